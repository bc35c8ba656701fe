import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import { RegistryFiles, serveFiles } from "@berth/testkit";
import type { MadeRelease } from "@berth/testkit";

import { KillMoments, runAndKill } from "../kill-moments.ts";
import { release } from "./builders.ts";

const ROUNDS = Number(process.env["BERTH_KILL_ROUNDS"] ?? "8");

/** Every release of the graph has the version of its round, so a mixture would show. */
function graphOf(round: number): MadeRelease[] {
  const version = `1.0.${round}`;
  return [
    release("acme.top", version, { "acme.left": version, "beta.right": version }),
    release("acme.left", version, { "beta.base": version }),
    release("beta.right", version, { "beta.base": version }),
    release("beta.base", version),
  ];
}

const installAndKill = (dataDir: string, url: string, range: string, afterMs: number): Promise<number> =>
  runAndKill(join(import.meta.dirname, "install-graph-once.ts"), [dataDir, url, range], afterMs);

test(`${ROUNDS} graph installs killed at random moments leave the graph before or the one after, whole`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-kill-graph-"));
  const files = new RegistryFiles().publish(...graphOf(0));
  const server = await serveFiles(files.files);
  const dataDir = join(folder, "data");
  let before: string | undefined;
  try {
    const wholeMs = await installAndKill(join(folder, "probe"), server.url, "*", 120_000);
    const moments = new KillMoments(ROUNDS, wholeMs);
    for (let round = 1, afterMs = moments.next(); afterMs !== undefined; round += 1, afterMs = moments.next()) {
      const version = `1.0.${round}`;
      files.publish(...graphOf(round));
      await installAndKill(dataDir, server.url, version, afterMs);
      const host = await openHost({ dataDir, engines: [isolate()] });
      const found = new Set((await host.list()).map((plugin) => plugin.version));
      assert.ok(found.size <= 1, `round ${round}: a mixture of ${[...found].join(", ")}`);
      const [now] = found;
      assert.ok(now === before || now === version, `round ${round}: found ${now}, expected ${before} or ${version}`);
      const count = now === undefined ? 0 : 4;
      assert.equal((await host.list()).length, count);
      assert.equal((await readdir(join(dataDir, "packages"))).length, count);
      assert.equal((await host.registries.bindings()).length, now === undefined ? 0 : 2);
      if (now !== undefined) assert.equal(await host.call("acme.top", "echo", round), round);
      moments.note(now === version);
      before = now;
      await host.close();
    }
    assert.ok(moments.sawBoth, "some installs came through and some did not");
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
});

test("two processes that install at once: one after the other, or told who is there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-two-graphs-"));
  const server = await serveFiles(new RegistryFiles().publish(...graphOf(0)).files);
  try {
    const dataDir = join(folder, "data");
    const runs = await Promise.all([1, 2].map(() => installAndKill(dataDir, server.url, "*", 120_000)));
    assert.equal(runs.length, 2);
    const host = await openHost({ dataDir, engines: [isolate()] });
    assert.equal((await host.list()).length, 4);
    assert.equal((await readdir(join(dataDir, "packages"))).length, 4);
    assert.equal((await host.journal()).filter(({ kind }) => kind === "install").length, 4, "installed once");
    await host.close();
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
});
