import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { foreignFunctionsFile } from "../../src/walls/node-foreign-functions.ts";
import { interpreterOf } from "../../src/walls/node-linked-libraries.ts";
import { endProcessesOf, usersInUse } from "../../src/walls/node-process-users.ts";

const skip = process.getuid?.() !== 0 && "only root has other users";

/** How many processes of a user there are, also such whose first thread has ended. */
function count(userId: number): number {
  let found = 0;
  for (const pid of readdirSync("/proc")) {
    let status = "";
    try {
      if (/^\d+$/.test(pid)) status = readFileSync(`/proc/${pid}/status`, "latin1");
    } catch {
      // It ended meanwhile.
    }
    const hasEnded = /^State:\s+[ZX]/m.test(status) && /^Threads:\s+[01]$/m.test(status);
    if (status.includes(`Uid:\t${userId}\t`) && !hasEnded) found += 1;
  }
  return found;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_500; tries += 1) {
    if (isSo()) return;
    await wait(20);
  }
  assert.fail(what);
}

/** Runs a program as a user of a sandbox host. Whatever it starts ends by itself after a while. */
async function asUser(userId: number, program: string, work: () => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-users-"));
  const { source } = foreignFunctionsFile(await interpreterOf(process.execPath)) ?? assert.fail("no koffi here");
  const koffi = join(folder, "koffi.node");
  try {
    await chmod(folder, 0o755);
    await copyFile(source, koffi);
    await chmod(koffi, 0o755);
    const calls = `
      const number = (x64, arm64) => (process.arch === "x64" ? x64 : arm64);
      const syscall = require(${JSON.stringify(koffi)}).load(null).func("long syscall(long, long, long, long, long, long)");`;
    const child = spawn(process.execPath, ["--single-threaded", "-e", `${calls}\n${program}`], {
      uid: userId,
      gid: userId,
      env: {},
      cwd: "/",
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      await work();
    } finally {
      child.kill("SIGKILL");
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("ends everything that a user has started before the user passes on", { skip }, async () => {
  const userId = 0x7300_0001;
  // A process that leaves its parent behind, as a hostile one would.
  const program = `
    require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => 0, 20_000)"], { detached: true, stdio: "ignore" });
    setTimeout(() => 0, 20_000);`;
  await asUser(userId, program, async () => {
    await until("both processes are there", () => count(userId) === 2);
    assert.ok((await usersInUse()).has(userId));
    assert.equal(await endProcessesOf(userId), true);
    assert.equal(count(userId), 0);
    assert.ok(!(await usersInUse()).has(userId));
  });
});

test("ends a process that looks as if it had ended: its first thread has, another goes on", { skip }, async () => {
  const userId = 0x7300_0002;
  const program = `
    const { Worker } = require("node:worker_threads");
    new Worker("setTimeout(() => process.exit(), 20_000)", { eval: true }).once("online", () => syscall(number(60, 93), 0, 0, 0, 0, 0));`;
  await asUser(userId, program, async () => {
    const isHidden = (): boolean =>
      readdirSync("/proc").some((pid) => {
        try {
          const status = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/status`, "latin1") : "";
          return status.includes(`Uid:\t${userId}\t`) && /^State:\s+Z/m.test(status);
        } catch {
          return false; // It ended meanwhile.
        }
      });
    await until("its first thread has ended", isHidden);
    assert.equal(count(userId), 1);
    assert.equal(await endProcessesOf(userId), true);
    assert.equal(count(userId), 0);
  });
});

test(
  "does not take a user for free whose process starts its successor and ends, time and again",
  { skip },
  async () => {
    const userId = 0x7300_0003;
    // Each lives for a moment; all end after five seconds.
    const program = `
    const until = Date.now() + 5_000;
    while (Date.now() < until) {
      const child = syscall(number(56, 220), 17, 0, 0, 0, 0);
      if (child > 0) syscall(number(231, 94), 0, 0, 0, 0, 0);
    }
    syscall(number(231, 94), 0, 0, 0, 0, 0);`;
    await asUser(userId, program, async () => {
      await until("it is there", () => count(userId) > 0);
      await wait(500);
      if (!(await endProcessesOf(userId))) return; // Then the user is never given to another.
      for (let tries = 0; tries < 100; tries += 1) {
        assert.equal(count(userId), 0);
        await wait(5);
      }
    });
  },
);
