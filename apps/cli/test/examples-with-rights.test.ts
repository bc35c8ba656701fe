// Examples that need rights, on real servers and folders, at every level of this machine: they do their work, and the
// journal of it suggests exactly what their manifests ask for, also where an author asked for more at first.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { replaceEnvelopes } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { RELEASE_ENVELOPE, openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { machineWalls } from "@berth/sandbox";
import { SECURITY_LEVELS, parseManifest } from "@berth/spec";
import type { Manifest, SecurityLevel } from "@berth/spec";
import { generatePublisherKey, signRelease } from "@berth/trust";

import { lintFolder } from "../src/lint/lint-folder.ts";
import { packPluginFolder, readPluginFolder } from "../src/plugin-folder.ts";
import { writeSuggestion } from "../src/write-suggestion.ts";

const { full } = await machineWalls(isolate());
const key = generatePublisherKey();

type Edit = (manifestText: string) => string;

/** A copy of an example's folder, whose release is installed. */
interface Example {
  readonly id: string;
  readonly folder: string;
  /** Its manifest as it is in the repository, but for the places that it names. */
  readonly needed: Manifest;
  readonly neededText: string;
}

/**
 * @param edit names this test's places
 * @param widen asks for more than the example needs, as an author might at first
 */
async function installExample(
  host: Host<string>,
  level: SecurityLevel,
  { name, into, edit = same, widen = same }: { name: string; into: string; edit?: Edit; widen?: Edit },
): Promise<Example> {
  const source = join(import.meta.dirname, "../../../examples", name);
  const original = await readPluginFolder(source);
  assert.deepEqual(await lintFolder(original, undefined), []);
  const folder = join(into, name);
  await cp(source, folder, { recursive: true, filter: (path) => !/\/(?:node_modules|dist)$/.test(path) });
  const neededText = edit(Buffer.from(original.manifestBytes).toString());
  const text = widen(neededText);
  assert.equal(text === neededText, widen === same);
  await writeFile(join(folder, "manifest.json"), text);
  const { manifest } = await readPluginFolder(folder);
  const { bytes, contentDigest } = await packPluginFolder({
    ...original,
    manifest,
    manifestBytes: new TextEncoder().encode(text),
  });
  const { id, version } = manifest;
  const statement = signRelease({ plugin: id, version, contentDigest, time: "2026-01-01T00:00:00.000Z" }, key);
  const plan = await host.plan(replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, statement]])));
  assert.equal(plan.level, level);
  await host.install(plan, {
    grant: plan.permissions.map(({ permission }) => permission),
    trustKey: plan.signer.keyId,
  });
  return { id, folder, needed: parseManifest(new TextEncoder().encode(neededText)), neededText };
}

const same: Edit = (text) => text;

/** Both what is suggested, and the folder's manifest once that was written there. */
async function verifyNeeds(host: Host<string>, { id, folder, needed, neededText }: Example): Promise<void> {
  assert.ok(needed.permissions.length > 0);
  const suggestion = await host.suggestPermissions(id);
  assert.deepEqual([suggestion.permissions, suggestion.isComplete], [needed.permissions, true]);
  const file = join(folder, "manifest.json");
  const wasNeeded = (await readFile(file, "utf8")) === neededText;
  assert.equal(suggestion.unused.length, wasNeeded ? 0 : 1);
  const runs = { dataDir: "", id, version: needed.version, suggestion };
  const { isChanged, removed } = await writeSuggestion(folder, [runs]);
  assert.deepEqual([isChanged, removed], [!wasNeeded, suggestion.unused]);
  assert.equal(await readFile(file, "utf8"), neededText);
  assert.deepEqual(await lintFolder(await readPluginFolder(folder), suggestion), []);
  assert.equal((await writeSuggestion(folder, [runs])).isChanged, false);
}

function atEveryLevel(
  title: string,
  skip: string | false,
  work: (host: Host<string>, level: SecurityLevel, folder: string) => Promise<void>,
): void {
  for (const level of SECURITY_LEVELS) {
    const missing = level === "isolated" && full.kind === "missing" ? full.missing.why : false;
    test(`${level}: ${title}`, { skip: skip || missing, timeout: 120_000 }, () => withHost(level, work));
  }
}

async function withHost(
  level: SecurityLevel,
  work: (host: Host<string>, level: SecurityLevel, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-examples-")));
  const host = await openHost<string>({
    dataDir: join(folder, "state"),
    engines: [isolate(), quickjs()],
    partitionOf: (user) => user,
    policy: {
      level: "minimal",
      // The table converter takes more memory than strict gives: it stays where it is.
      rules: [{ plugins: ["berth.release-watch", "berth.table-inbox"], level }],
      privateHosts: ["localhost"],
    },
  });
  try {
    await work(host, level, folder);
  } finally {
    await host.close();
    await rm(folder, { recursive: true });
  }
}

atEveryLevel(
  "release-watch tells each new release once, with a token that it never has",
  false,
  async (host, level, folder) => {
    const tags = new Map([["acme/tool", "v1"]]);
    const server = createServer((request, response) => {
      const [, owner, name] = /^\/repos\/(\w+)\/(\w+)\/releases\/latest$/.exec(request.url ?? "") ?? [];
      const tag = tags.get(`${owner}/${name}`);
      if (request.headers.authorization !== "Bearer s3cret") response.writeHead(401).end();
      else if (tag === undefined) response.writeHead(404).end();
      else response.end(JSON.stringify({ tag_name: tag, html_url: `https://github.com/${owner}/${name}/${tag}` }));
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const example = await installExample(host, level, {
        name: "release-watch",
        into: folder,
        edit: (text) => text.replace('["api.github.com"]', `["localhost"],\n      "ports": [${port}]`),
        ...(level === "standard" && {
          widen: (text) =>
            text
              .replace('["localhost"]', '["localhost", "api.github.com"]')
              .replace(
                /("permissions": \[\n)/,
                '$1    { "name": "network_restricted", "hosts": ["gitlab.com"], "reason": "To be sure." },\n',
              )
              .replace('["github-token"]', '["github-token", "gitlab-token"],\n      "reveal": true')
              .replace("/released", "/*"),
        }),
      });
      const { id } = example;
      await host.setConfig(id, { url: `http://localhost:${port}` });
      const call = (action: string, input: unknown = {}): Promise<unknown> => host.call(id, action, input);
      const heard: unknown[] = [];
      await host.events.subscribe(`${id}/released`, ({ value }) => void heard.push(value));
      for (const repository of ["acme/tool", "Acme/Tool", "acme/none"]) await call("watch", { repository });

      const [problem] = ((await call("check")) as { problems: { message: string }[] }).problems;
      assert.match(problem?.message ?? "", /github-token/);
      await host.setSecret(id, "github-token", "Bearer s3cret");
      const nothing = { checked: 2, released: [], problems: [] };
      assert.deepEqual(await call("check"), nothing, "the first look tells nobody");
      tags.set("acme/tool", "v2");
      const release = { repository: "acme/tool", tag: "v2", url: "https://github.com/acme/tool/v2" };
      assert.deepEqual(await call("check"), { ...nothing, released: [release] });
      assert.deepEqual(await call("check"), nothing);
      while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(heard, [release]);
      assert.deepEqual(await call("unwatch", { repository: "acme/none" }), { repositories: ["acme/tool"] });
      await verifyNeeds(host, example);

      await host.revoke(id, "secrets_access");
      const [denied] = ((await call("check")) as { problems: { message: string }[] }).problems;
      assert.match(denied?.message ?? "", /no right to secrets_access/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);

const noFiles = process.platform !== "linux" && "files need Linux";

atEveryLevel(
  "table-inbox converts what lies in its folder, and touches nothing else",
  noFiles,
  async (host, level, folder) => {
    const inbox = join(folder, "inbox");
    const outbox = join(folder, "outbox");
    await Promise.all([mkdir(inbox), mkdir(outbox)]);
    const names = Array.from({ length: 12 }, (_, index) => `table${String(index).padStart(2, "0")}`);
    for (const name of names) await writeFile(join(inbox, `${name}.csv`), `name,rows\n${name},1\n`);
    await writeFile(join(inbox, "notes.txt"), "mine");
    await writeFile(join(inbox, "large.csv"), "x".repeat(600_000));
    await installExample(host, "minimal", { name: "table-converter", into: folder });
    const example = await installExample(host, level, {
      name: "table-inbox",
      into: folder,
      edit: (text) => text.replaceAll("/srv/berth/inbox", inbox).replaceAll("/srv/berth/outbox", outbox),
      ...(level === "standard" && {
        widen: (text) =>
          text
            .replace(`["${inbox}"]`, `["${inbox}", "${outbox}"]`)
            .replace('"*.json"', '"*.json", "*.txt"')
            .replace('"create": true', '"create": true,\n      "delete": true')
            .replace("/csv_to_json", "/*")
            .replace(
              /(\n {4}\})(\n {2}\],)/,
              '$1,\n    { "name": "secrets_access", "names": ["key"], "reason": "No." }$2',
            ),
      }),
    });
    const { id } = example;
    const { converted, problems } = (await host.call(id, "convert", {})) as {
      converted: unknown[];
      problems: { file: string; message: string }[];
    };
    assert.deepEqual(
      converted,
      names.map((name) => ({ file: `${name}.csv`, rows: 1, problemCount: 0 })),
    );
    assert.deepEqual(
      problems.map(({ file }) => file),
      ["large.csv"],
    );
    assert.deepEqual(JSON.parse(await readFile(join(outbox, "table03.json"), "utf8")), [{ name: "table03", rows: 1 }]);
    await verifyNeeds(host, example);

    await host.revoke(id, "platform_services");
    const denied = (await host.call(id, "convert", {})) as { problems: { message: string }[] };
    assert.match(denied.problems.at(-1)?.message ?? "", /no right to platform_services/);
  },
);
