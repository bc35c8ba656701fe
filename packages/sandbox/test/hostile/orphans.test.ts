import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { buildSandboxHost } from "./built-entry.ts";

const skip = process.platform !== "linux" && "only Linux ends children with their parent";

const { folder, entry } = await buildSandboxHost("packages/sandbox/conformance/hostile/node-attacker.ts");
const source = join(import.meta.dirname, "../../src");

/** An embedding program that is ended from outside while its sandbox host is at work for good. */
const program = (which: "basic" | "full"): string => `
  import { once } from "node:events";
  import { ProcessUsage } from ${JSON.stringify(join(source, "node-process-usage.ts"))};
  import { machineWalls } from ${JSON.stringify(join(source, "walls/node-machine-walls.ts"))};
  import { spawnDescribed } from ${JSON.stringify(join(source, "walls/node-spawn.ts"))};
  const engine = { name: "attacker", runtimes: [], levels: [], entry: ${JSON.stringify(entry)}, files: [], nodeFlags: [] };
  const offer = (await machineWalls(engine, { runtimeFolder: ${JSON.stringify(join(folder, "runtime"))} })).${which};
  if (offer.kind === "missing") { console.log("missing"); process.exit(); }
  const { pipe, stderr, processId } = spawnDescribed(offer.wall.describe());
  stderr.resume();
  await once(pipe, "data");
  const pid = await processId;
  const usage = new ProcessUsage(pid);
  const before = usage.cpuMs();
  pipe.write(JSON.stringify({ run: "() => { for (;;); }", target: {} }) + "\\n");
  while (usage.cpuMs() < before + 300) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(pid);
  process.kill(process.pid, "SIGKILL");`;

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));

for (const which of ["basic", "full"] as const) {
  test(
    `a sandbox host that never returns ends with the embedding program behind the ${which} wall`,
    { skip },
    async (t) => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program(which)], {
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 60_000,
        killSignal: "SIGKILL",
      });
      const said = (await text(child.stdout)).trim();
      if (said === "missing") return t.skip("this machine does not have it");
      const pid = Number(said);
      assert.ok(pid > 1, said);
      try {
        for (let tries = 0; tries < 1_000 && isAlive(pid); tries += 1) await wait(20);
        assert.ok(!isAlive(pid));
      } finally {
        if (isAlive(pid)) process.kill(pid, "SIGKILL");
      }
    },
  );
}
