import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { takeSetupLock } from "../../setup/setup-lock.mjs";
import { makeTree } from "../tree.ts";

const record = (pid: number): string =>
  `${String(pid).padStart(10)} 00000000-0000-4000-8000-000000000000 ${"0".padStart(10)}\n`;

test("a lock is there while it is held, and leaves nothing when it is released", async () => {
  const folder = makeTree({});
  const lock = await takeSetupLock(folder);
  assert.match(readFileSync(join(folder, "setup.lock"), "utf8"), new RegExp(`^ *${process.pid} `));
  lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a second set-up waits for the first", async () => {
  const folder = makeTree({});
  const first = await takeSetupLock(folder);
  let isTaken = false;
  const second = takeSetupLock(folder).then((lock) => {
    isTaken = true;
    return lock;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(isTaken, false);
  first.release();
  (await second).release();
});

test("the lock of a process that died is taken over at once", async () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const folder = makeTree({ "setup.lock": record(pid) });
  const lock = await takeSetupLock(folder);
  lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("whoever lost the lock to another does not remove it", async () => {
  const folder = makeTree({});
  const lock = await takeSetupLock(folder);
  writeFileSync(join(folder, "setup.lock"), record(1));
  lock.release();
  assert.ok(existsSync(join(folder, "setup.lock")));
});
