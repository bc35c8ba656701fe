import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";

import { start } from "@berth/registry";
import { pluginIndexSchema } from "@berth/spec";
import type { Change, Published } from "@berth/spec";
import { formatPublicKey } from "@berth/trust";

import { QUICK, acme, ask, makePackage } from "./fixture.ts";
import { missingPostgres, withPostgres } from "./stores.ts";

/** How often the registry is killed; more for a long run. */
const ROUNDS = Number(process.env["BERTH_CRASH_ROUNDS"] ?? 10);
const PUBLISHES = 5;

interface Serving {
  readonly url: string;
  readonly operatorToken?: string;
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>;
}

async function serve(dataDir: string, database: string): Promise<Serving> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "serve.ts"), dataDir, database], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return {
    ...(JSON.parse(line) as { url: string; operatorToken?: string }),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Everything that the registry says must agree with everything else it says. */
async function verifyAgreement(dataDir: string, database: string, acknowledged: readonly Published[]): Promise<void> {
  const registry = await start({ ...QUICK, dataDir, database });
  try {
    const get = async (path: string) => (await ask(registry.url, path)).body;
    const feed: Change[] = [];
    for (;;) {
      const page = (await get(`api/v1/changes?after=${feed.at(-1)?.sequence ?? 0}&limit=1000`)) as { items: Change[] };
      if (page.items.length === 0) break;
      feed.push(...page.items);
    }
    const published = feed.filter(({ kind }) => kind === "publish");
    const plugins = [...new Set(published.map(({ plugin = "" }) => plugin))];
    const digests = new Set<string>();
    for (const id of plugins) {
      const path = `${id.replace(".", "/")}.json`;
      const index = pluginIndexSchema.parse(await get(`index/plugins/${path}`));
      const inFeed = published.filter(({ plugin }) => plugin === id).map(({ version = "" }) => version);
      assert.deepEqual(index.releases.map(({ version }) => version).toSorted(), inFeed.toSorted(), id);
      const file = join(dataDir, "public/index/plugins", path);
      assert.deepEqual(
        JSON.parse(await readFile(file, "utf8")),
        JSON.parse(JSON.stringify(index)),
        `static index of ${id}`,
      );
      for (const { version, fileDigest, fileSize } of index.releases) {
        const url = `packages/${id.replace(".", "/")}/${id}-${version}.berth`;
        const { status, bytes } = await ask(registry.url, url);
        assert.deepEqual([status, bytes.length], [200, fileSize], url);
        assert.deepEqual(new Uint8Array(await readFile(join(dataDir, "public", url))), bytes, `static ${url}`);
        digests.add(fileDigest.replace("sha256:", ""));
      }
    }
    for (const { id, version } of acknowledged)
      assert.ok(
        published.some((change) => change.plugin === id && change.version === version),
        `${id} ${version} was promised`,
      );
    const found = (await get("api/v1/plugins?limit=100")) as { items: { id: string }[]; total: { count: number } };
    assert.equal(found.total.count, Math.min(plugins.length, 1_000), "the search index has every plugin, and no other");
    if (plugins.length <= 100) assert.deepEqual(found.items.map(({ id }) => id).toSorted(), plugins.toSorted());
    const folders = (await readdir(join(dataDir, "blobs"))).filter((name) => name.length === 2);
    const blobs = (await Promise.all(folders.map((name) => readdir(join(dataDir, "blobs", name))))).flat();
    // Another server on the same PostgreSQL might be about to name a young file, so there it stays for a day.
    if (database === "sqlite")
      assert.deepEqual(blobs.toSorted(), [...digests].toSorted(), "no file is left that nobody names");
    if (database === "sqlite") assert.deepEqual(await readdir(join(dataDir, "uploads")), []);
  } finally {
    await registry.close();
  }
}

async function crashRounds(dataDir: string, database: string, rounds: number): Promise<void> {
  const acknowledged: Published[] = [];
  let token = "";
  let usualMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const serving = await serve(dataDir, database);
    if (round === 0) {
      const body = { name: "acme", publicKey: formatPublicKey(acme) };
      const made = await ask(serving.url, "api/v1/publishers", { body, token: serving.operatorToken ?? "" });
      token = (made.body as { token: { token: string } }).token.token;
    }
    const publishes = Array.from({ length: PUBLISHES }, async (_, at) => {
      // New plugins and new releases of an old one, so that files are both made and replaced.
      const id = at % 2 === 0 ? "acme.steady" : `acme.plugin-r${round}x${at}`;
      const version = `1.${round}.${at}`;
      const sent = { method: "PUT", token, body: makePackage({ id, version }) };
      const { status, body } = await ask(serving.url, `api/v1/packages/${id.replace(".", "/")}/${version}`, sent);
      if (status === 201) acknowledged.push(body as Published);
    });
    // Requests that the kill breaks off are what this is about.
    const ended = Promise.allSettled(publishes);
    if (round === 0) {
      const startedAt = performance.now();
      await ended;
      usualMs = performance.now() - startedAt;
    }
    // Over the length of the publishes and somewhat beyond, so that the kill falls into every part of one.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * usualMs * 1.3));
    await serving.kill();
    await ended;
    if (round % 10 === 9 || round === rounds - 1) await verifyAgreement(dataDir, database, acknowledged);
  }
  assert.ok(acknowledged.length >= PUBLISHES, "some publishes got through");
  assert.ok(acknowledged.length < rounds * PUBLISHES, "some publishes were interrupted");
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-crash-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test(`after ${ROUNDS} kills in the middle of publishing, catalogue, files, search and feed agree (SQLite)`, () =>
  withFolder((folder) => crashRounds(folder, "sqlite", ROUNDS)));

test("the same on PostgreSQL", { skip: missingPostgres ?? false }, () =>
  withPostgres((database) => withFolder((folder) => crashRounds(folder, database, 5))),
);

test("derived files that are lost or from another catalogue are made anew at the start", () =>
  withFolder(async (dataDir) => {
    const first = await start({ ...QUICK, dataDir });
    const { operatorToken = "" } = first;
    const body = { name: "acme", publicKey: formatPublicKey(acme) };
    const made = await ask(first.url, "api/v1/publishers", { body, token: operatorToken });
    const { token } = (made.body as { token: { token: string } }).token;
    const sent = { method: "PUT", token, body: makePackage() };
    const published = (await ask(first.url, "api/v1/packages/acme/csv-tools/1.0.0", sent)).body as Published;
    await first.close();

    await rm(join(dataDir, "public"), { recursive: true });
    await rm(join(dataDir, "search.sqlite"));
    await verifyAgreement(dataDir, "sqlite", [published]);
    await writeFile(join(dataDir, "public/.position"), "999\n");
    await rm(join(dataDir, "public/index/plugins"), { recursive: true });
    await writeFile(join(dataDir, "search.sqlite"), "no database at all, only words ".repeat(200));
    for (const ending of ["-wal", "-shm"]) await rm(join(dataDir, `search.sqlite${ending}`), { force: true });
    await verifyAgreement(dataDir, "sqlite", [published]);
    await access(join(dataDir, "public/packages/acme/csv-tools/acme.csv-tools-1.0.0.berth"));

    const again = await start({ ...QUICK, dataDir });
    assert.equal(again.operatorToken, undefined, "the operator's token is shown once");
    await assert.rejects(start({ ...QUICK, dataDir }), { code: "STORE_BUSY" });
    await again.close();
    const renewed = await start({ ...QUICK, dataDir, newOperatorToken: true });
    assert.match(renewed.operatorToken ?? "", /^berth_registry_/);
    await renewed.close();
  }));
