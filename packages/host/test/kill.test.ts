import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

import { makePackage } from "./fixture.ts";
import { KillMoments, runAndKill } from "./kill-moments.ts";

const ROUNDS = Number(process.env["BERTH_KILL_ROUNDS"] ?? "12");

/** Installs in a process of its own, which is killed so many ms after it opened the host. */
const installAndKill = (dataDir: string, file: string, afterMs: number): Promise<number> =>
  runAndKill(join(import.meta.dirname, "install-once.ts"), [dataDir, file], afterMs);

test(`${ROUNDS} installs killed at random moments leave the release before or the one after, whole`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-kill-"));
  const dataDir = join(folder, "data");
  try {
    const probe = join(folder, "probe.berth");
    await writeFile(probe, makePackage({ id: "acme.probe" }));
    const wholeMs = await installAndKill(join(folder, "probe"), probe, 60_000);
    const moments = new KillMoments(ROUNDS, wholeMs);
    let before: string | undefined;
    for (let round = 0, afterMs = moments.next(); afterMs !== undefined; round += 1, afterMs = moments.next()) {
      const version = `1.0.${round}`;
      const file = join(folder, "next.berth");
      await writeFile(file, makePackage({ version }));
      await installAndKill(dataDir, file, afterMs);
      const host = await openHost({ dataDir, engines: [isolate()] });
      const [found] = await host.list();
      assert.ok(
        found?.version === before || found?.version === version,
        `round ${round}: found ${found?.version}, expected ${before} or ${version}`,
      );
      assert.equal((await readdir(join(dataDir, "packages"))).length, found === undefined ? 0 : 1);
      if (found !== undefined) assert.equal(await host.call("acme.demo", "echo", round), round);
      moments.note(found?.version === version);
      before = found?.version;
      await host.close();
    }
    assert.ok(moments.sawBoth, "some installs came through and some did not");
  } finally {
    await rm(folder, { recursive: true });
  }
});
