import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import test from "node:test";

import { ProcessUsage } from "../src/node-process-usage.ts";

const skip = process.platform !== "linux" && "only Linux tells";

async function withProcess(
  program: string,
  work: (pid: number, end: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const child = spawn(process.execPath, ["-e", `${program}; console.log("ready"); setInterval(() => 0, 1_000);`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    await once(child.stdout, "data");
    await work(child.pid ?? assert.fail(), end);
  } finally {
    await end();
  }
}

test("counts page tables, which grow without anything resident", { skip }, () =>
  // One byte of each 2 MiB is read, so each has a table; the page of zeros that is read is nobody's.
  withProcess(
    "globalThis.kept = Array.from({ length: 8 }, () => Buffer.alloc(2 ** 32)); let sum = 0; for (const buffer of kept) for (let at = 0; at < buffer.length; at += 2 ** 21) sum += buffer[at];",
    async (pid) => {
      using usage = new ProcessUsage(pid);
      const status = readFileSync(`/proc/${pid}/status`, "latin1");
      const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1_024;
      assert.ok(of("VmPTE") > 50 * 1_048_576, `${of("VmPTE")} bytes of page tables`);
      assert.ok((usage.heldBytes() ?? 0) > of("VmPTE") + 10 * 1_048_576);
    },
  ),
);

test("knows nothing of a process that has ended, also when its number is another's", { skip }, () =>
  withProcess("", async (pid, end) => {
    using usage = new ProcessUsage(pid);
    assert.ok((usage.heldBytes() ?? 0) > 10 * 1_048_576);
    assert.ok((usage.cpuMs() ?? 0) > 0);
    await end();
    assert.deepEqual(usage.beyond(0), { grownBytes: undefined, cpuMs: undefined });
    assert.throws(() => new ProcessUsage(pid), { code: "ENOENT" });
  }),
);
