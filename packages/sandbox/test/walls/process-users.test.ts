import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

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
    assert.ok((await usersInUse()).has(userId));
    assert.equal(await endProcessesOf(userId), true);
    assert.equal(count(userId), 0);
    assert.ok(!(await usersInUse()).has(userId));
  });
});

/**
 * A program for Linux on x64 that starts its successor and ends, four thousand times: written out as ELF, because
 * nothing else is as fast. fork; when there is a child (or none can be had) exit; else count down and go on.
 */
function chainProgram(): Buffer {
  const code = Buffer.from("bba00f0000b8390000000f0585c07504ffcb75f1b83c00000031ff0f05", "hex");
  const header = Buffer.alloc(0x78);
  header.write("7f454c46020101", "hex");
  const words: [at: number, value: number][] = [
    [0x10, 2 | (0x3e << 16)], // ET_EXEC, x86-64
    [0x14, 1],
    [0x18, 0x40_0078], // entry
    [0x20, 0x40], // program headers
    [0x34, 0x40 | (0x38 << 16)],
    [0x38, 1], // one of them
    [0x40, 1], // PT_LOAD
    [0x44, 5], // readable, executable
    [0x50, 0x40_0000],
    [0x58, 0x40_0000],
    [0x60, header.length + code.length],
    [0x68, header.length + code.length],
    [0x70, 0x1000],
  ];
  for (const [at, value] of words) header.writeUInt32LE(value, at);
  return Buffer.concat([header, code]);
}

const skipChain = skip || (process.arch !== "x64" && "the program is for x64");

test(
  "takes no user for free whose process starts its successor and ends, time and again",
  { skip: skipChain },
  async () => {
    const userId = 0x7300_0003;
    const folder = await mkdtemp(join(tmpdir(), "berth-chain-"));
    try {
      await chmod(folder, 0o755);
      const file = join(folder, "chain");
      await writeFile(file, chainProgram(), { mode: 0o755 });
      const first = spawn(file, { uid: userId, gid: userId, env: {}, cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
      // All of them have it, so it ends with the last one.
      let isOver = false;
      const over = once(first.stdout.resume(), "end").then(() => (isOver = true));
      await once(first, "exit");
      const isFree = await endProcessesOf(userId);
      for (let turn = 0; turn < 50; turn += 1) await nextTurn();
      // Where it was too fast to be ended, the user is not given to another.
      if (isFree) assert.ok(isOver, "a process of the user is still there");
      await over;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
