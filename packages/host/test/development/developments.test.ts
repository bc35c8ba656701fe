import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { watch } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { queryObjects } from "node:v8";
import { Script } from "node:vm";

import { packPackage } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { DevelopmentFolder, Host, HostEvent } from "@berth/host";

import { install, makePackage } from "../fixture.ts";

type DevelopmentEvent = Extract<HostEvent, { kind: "development" }>;

const any = { input: true, output: true };
const code = (answer: string): string =>
  `var berthPlugin = { actions: { say: (ms) => new Promise((done) => setTimeout(() => done("${answer}"), ms)) } };`;

const manifestOf = (more: object = {}): object => ({
  id: "me.draft",
  version: "0.1.0",
  displayName: "Draft",
  description: "A plugin that is being written.",
  license: "MIT",
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: "plugin.js" },
  capabilities: ["data_processing"],
  contributes: { actions: { say: any } },
  ...more,
});

/** One file, so that one rename changes all of a plugin. */
const SOURCE = "source.json";

/** Packs what is there, after a look at its syntax, as a bundler would. */
async function build(path: string): Promise<Uint8Array> {
  const source = JSON.parse(await readFile(join(path, SOURCE), "utf8")) as { manifest: object; program: string };
  new Script(source.program);
  const encoder = new TextEncoder();
  const files = [
    { path: "manifest.json", bytes: encoder.encode(JSON.stringify(source.manifest)) },
    { path: "plugin.js", bytes: encoder.encode(source.program) },
  ];
  return packPackage({ files }).bytes;
}

interface Bench {
  readonly folder: string;
  readonly dataDir: string;
  write(program: string, manifest?: object): Promise<void>;
  /** Opens a host with the folder. */
  open(options?: { watch?: boolean; isNamed?: boolean }): Promise<Host<string>>;
  /** The next event of the folder that says this. */
  next(what: DevelopmentEvent["what"]): Promise<DevelopmentEvent>;
}

async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "berth-development-"));
  const folder = join(root, "draft");
  const dataDir = join(root, "state");
  await mkdir(join(folder, "src"), { recursive: true });
  const emitter = new EventEmitter();
  const hosts: Host<string>[] = [];
  try {
    await work({
      folder,
      dataDir,
      async write(program, manifest = manifestOf()) {
        await writeFile(join(folder, ".next"), JSON.stringify({ manifest, program }));
        await rename(join(folder, ".next"), join(folder, SOURCE));
      },
      async open({ watch: isWatched = false, isNamed = true } = {}) {
        const named: DevelopmentFolder = { path: folder, build, watch: isWatched };
        const host = await openHost<string>({
          dataDir,
          engines: [isolate()],
          developmentFolders: isNamed ? [named] : [],
          onEvent: (event) => void (event.kind === "development" && emitter.emit(event.what, event)),
        });
        hosts.push(host);
        return host;
      },
      async next(what) {
        const [event] = (await once(emitter, what, { signal: AbortSignal.timeout(60_000) })) as [DevelopmentEvent];
        return event;
      },
    });
  } finally {
    for (const host of hosts) await host.close();
    await rm(root, { recursive: true });
  }
}

/** Agrees to exactly what the folder holds now. */
async function consent(host: Host<string>, folder: string): Promise<void> {
  const plan = await host.developments.plan(folder);
  await host.install(plan, { grant: [], unsigned: plan.contentDigest });
}

const statesOf = (host: Host<string>): string[] => host.developments.list().map(({ state }) => state);

test("a folder is listed, unsigned, and runs only by consent to exactly its content", () =>
  withBench(async ({ folder, write, open }) => {
    await write(code("one"));
    const host = await open();
    const [found] = host.developments.list();
    assert.deepEqual([found?.id, found?.version, found?.state], ["me.draft", "0.1.0", "found"]);
    assert.deepEqual(await host.list(), []);
    await assert.rejects(host.call("me.draft", "say", 0), { code: "HOST_PLUGIN_UNKNOWN" });
    const plan = await host.developments.plan(folder);
    assert.deepEqual([plan.signer.status, plan.signer.keyId], ["development", "unsigned"]);
    await assert.rejects(host.install(plan, { grant: [] }), { code: "HOST_CONSENT_MISSING" });
    await assert.rejects(host.install(plan, { grant: [], unsigned: plan.fileDigest, trustKey: "unsigned" }), {
      code: "HOST_CONSENT_MISSING",
    });
    assert.deepEqual(await host.list(), []);
    await host.install(plan, { grant: [], unsigned: plan.contentDigest });
    assert.equal(await host.call("me.draft", "say", 0), "one");
    assert.deepEqual(statesOf(host), ["consented"]);
    await assert.rejects(host.developments.plan(join(folder, "src")), { code: "HOST_DEVELOPMENT_UNKNOWN" });
    const trusted = (await host.journal()).filter(({ kind }) => kind === "trust").map(({ detail }) => detail);
    assert.match(trusted[0] ?? "", /unsigned, from/);
  }));

test("what came from a folder runs in no host that does not name it", () =>
  withBench(async ({ folder, write, open }) => {
    await write(code("one"));
    const first = await open();
    await consent(first, folder);
    await first.close();
    const without = await open({ isNamed: false });
    const [plugin] = await without.list();
    assert.deepEqual(
      [plugin?.state, /which this host was not opened with/.test(plugin?.reason ?? "")],
      ["failed", true],
    );
    await assert.rejects(without.call("me.draft", "say", 0), { code: "HOST_PLUGIN_NOT_ENABLED" });
    await assert.rejects(without.enable("me.draft"), { code: "HOST_DEVELOPMENT_OFF" });
    await without.close();
    const again = await open();
    assert.equal(await again.call("me.draft", "say", 0), "one");
  }));

test("a change waits for consent, and what was consented to goes on, also over a restart", () =>
  withBench(async ({ folder, write, open }) => {
    await write(code("one"));
    const first = await open();
    await consent(first, folder);
    await first.close();
    await write(code("two"));
    const again = await open();
    assert.deepEqual(statesOf(again), ["changed"]);
    assert.equal(await again.call("me.draft", "say", 0), "one");
    await consent(again, folder);
    assert.equal(await again.call("me.draft", "say", 0), "two");
    await again.uninstall("me.draft");
    assert.deepEqual(statesOf(again), ["found"]);
  }));

test("neither a folder nor a signed package takes the rights and data of the other", () =>
  withBench(async ({ folder, write, open }) => {
    await write(code("one"));
    const host = await open();
    await install(host, makePackage({ id: "me.draft" }));
    await assert.rejects(host.developments.plan(folder), { code: "HOST_DEVELOPMENT_TAKEN" });
    await host.uninstall("me.draft");
    await consent(host, folder);
    await assert.rejects(host.plan(makePackage({ id: "me.draft" })), { code: "HOST_DEVELOPMENT_TAKEN" });
    assert.equal(await host.call("me.draft", "say", 0), "one");
  }));

test("a watched folder takes over by itself once it was consented to; calls under way end on the old code", () =>
  withBench(async ({ folder, write, open, next }) => {
    await write(code("one"));
    const host = await open({ watch: true });
    // Without consent a change is told, and nothing runs.
    const found = next("found");
    await write(code("two"));
    await found;
    assert.deepEqual(await host.list(), []);
    await consent(host, folder);
    assert.equal(await host.call("me.draft", "say", 0), "two");

    const reloaded = next("reloaded");
    const underWay = host.call("me.draft", "say", 3_000);
    await write(code("three"));
    const { pluginId, contentDigest } = await reloaded;
    assert.deepEqual([pluginId, contentDigest], ["me.draft", host.developments.list()[0]?.contentDigest]);
    assert.equal(await host.call("me.draft", "say", 0), "three");
    assert.equal(await underWay, "two");

    const broken = next("failed");
    await write("var berthPlugin = {");
    const { error } = await broken;
    assert.deepEqual([error?.code, /Unexpected/.test(error?.message ?? "")], ["HOST_DEVELOPMENT_UNBUILT", true]);
    assert.deepEqual(statesOf(host), ["broken"]);
    assert.equal(await host.call("me.draft", "say", 0), "three");

    const greedy = next("failed");
    await write(
      code("four"),
      manifestOf({ permissions: [{ name: "secrets_access", names: ["x"], reason: "to see" }], secrets: ["x"] }),
    );
    assert.equal((await greedy).error?.code, "HOST_CONSENT_MISSING");
    assert.equal(await host.call("me.draft", "say", 0), "three");

    const mended = next("reloaded");
    await write(code("five"));
    await mended;
    assert.equal(await host.call("me.draft", "say", 0), "five");
    assert.deepEqual(await host.grants("me.draft"), []);
  }));

test("files that are written piece by piece never take a working plugin down", () =>
  withBench(async ({ folder, write, open, next }) => {
    await write(code("one"));
    const host = await open({ watch: true });
    await consent(host, folder);
    const reloaded = next("reloaded");
    const text = JSON.stringify({ manifest: manifestOf(), program: code("two") });
    for (let end = 1; end <= text.length; end += 23) {
      await writeFile(join(folder, SOURCE), text.slice(0, end));
      // Whole JSON around half a program, too.
      await writeFile(
        join(folder, SOURCE),
        JSON.stringify({ manifest: manifestOf(), program: code("two").slice(0, end) }),
      );
      assert.equal(await host.call("me.draft", "say", 0), "one");
    }
    await writeFile(join(folder, SOURCE), text);
    await reloaded;
    assert.equal(await host.call("me.draft", "say", 0), "two");
  }));

test("a folder that is missing or broken stops nobody; one in a folder that comes later is seen", () =>
  withBench(async ({ folder, write, open, next }) => {
    const host = await open({ watch: true });
    assert.deepEqual(statesOf(host), ["broken"]);
    const found = next("found");
    await write(code("one"));
    await found;
    await consent(host, folder);
    const seen = next("reloaded");
    await mkdir(join(folder, "src/deep"), { recursive: true });
    await writeFile(join(folder, "src/deep/note.txt"), "not part of the package");
    await write(code("two"));
    await seen;
    assert.equal(await host.call("me.draft", "say", 0), "two");
  }));

test("closing a host stops watching", () =>
  withBench(async ({ folder, write, open }) => {
    await write(code("one"));
    const probe = watch(folder);
    const Watcher = probe.constructor;
    probe.close();
    const count = (): number => Number(queryObjects(Watcher));
    const before = count();
    const host = await open({ watch: true });
    assert.equal(count(), before + 2, "the folder and the one below it");
    await host.close();
    // What is closed and forgotten is collected; what still watches is not.
    for (const end = Date.now() + 30_000; count() > before && Date.now() < end;)
      await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(count() <= before);
  }));
