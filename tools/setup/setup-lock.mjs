// One process at a time sets up; others wait for it, and take over when it died.
//
// The lock is a file made with O_EXCL that holds the owner's pid and a nonce. Three things show that its owner is gone:
// its process is dead and so is the process group of its step (an orphaned `npm ci` must not be joined by a second
// one); or the file has not been touched for a while although a process has that pid (the number was given to another
// process, or the lock came from a container that no longer exists).
import { randomUUID } from "node:crypto";
import {
  linkSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError, hasCode, say } from "./report.mjs";

const BEAT_MS = 1_000;
const SILENT_OWNER_MS = 20_000;
const GIVE_UP_MS = 15 * 60_000;
const POLL_MS = 150;

/**
 * Waits for the lock and takes it.
 *
 * @param {string} folder an existing folder
 * @returns {Promise<{ stepStarted(pid: number): void, release(): void }>} the caller releases it on every way out
 * @throws {SetupError} when another set-up holds it for 15 minutes
 */
export async function takeSetupLock(folder) {
  const path = join(folder, "setup.lock");
  const nonce = randomUUID();
  await waitUntilTaken(path, nonce);
  const beat = setInterval(() => touch(path), BEAT_MS);
  return {
    stepStarted(pid) {
      const record = openSync(path, "r+");
      writeSync(record, format(process.pid, nonce, pid));
      closeSync(record);
    },
    release() {
      clearInterval(beat);
      // Only our own: after a long suspension another set-up may have taken over.
      if (read(path)?.nonce === nonce) rmSync(path, { force: true });
    },
  };
}

/**
 * @param {string} path
 * @param {string} nonce
 */
async function waitUntilTaken(path, nonce) {
  const startedAt = Date.now();
  let announced = false;
  let lastBeat = { mtimeMs: -1, seenAt: startedAt };
  while (!tryTake(path, nonce)) {
    const holder = read(path);
    if (holder === undefined) continue;
    if (holder.mtimeMs !== lastBeat.mtimeMs) lastBeat = { mtimeMs: holder.mtimeMs, seenAt: Date.now() };
    if (isGone(holder, Date.now() - lastBeat.seenAt)) {
      breakLock(path, holder.text);
      continue;
    }
    if (Date.now() - startedAt > GIVE_UP_MS) {
      throw new SetupError(
        `another set-up (process ${holder.pid}) has not finished for 15 minutes`,
        `end that process, or remove ${path}, and run the command again`,
      );
    }
    if (!announced) say(`another set-up is at work here (process ${holder.pid}); waiting for it`);
    announced = true;
    await sleep(POLL_MS);
  }
}

/**
 * @param {string} path
 * @param {string} nonce
 */
function tryTake(path, nonce) {
  try {
    const file = openSync(path, "wx");
    writeSync(file, format(process.pid, nonce, 0));
    closeSync(file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * Fixed width, so that writing a step's pid over the old record never leaves a mixture.
 *
 * @param {number} pid
 * @param {string} nonce
 * @param {number} stepPid
 */
const format = (pid, nonce, stepPid) => `${String(pid).padStart(10)} ${nonce} ${String(stepPid).padStart(10)}\n`;

/** @param {string} path */
function read(path) {
  try {
    const text = readFileSync(path, "utf8");
    const [pid, nonce, stepPid] = text.trim().split(/\s+/);
    return { text, pid: Number(pid), nonce, stepPid: Number(stepPid ?? 0), mtimeMs: statSync(path).mtimeMs };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/**
 * @param {{ pid: number, stepPid: number }} holder
 * @param {number} silentMs
 */
function isGone(holder, silentMs) {
  // Killed between creating the file and writing it, or about to write: time tells.
  if (!Number.isInteger(holder.pid) || holder.pid <= 0) return silentMs > SILENT_OWNER_MS;
  if (isAlive(holder.pid)) return silentMs > SILENT_OWNER_MS;
  return !(holder.stepPid > 0 && process.platform !== "win32" && isAlive(-holder.stepPid));
}

/** @param {number} pid negative for a process group */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, "ESRCH");
  }
}

/**
 * Removes the lock that was judged dead, and no other: two waiters may judge at once, and the slower one must not
 * remove the lock that the faster one has just taken.
 *
 * @param {string} path
 * @param {string} judged
 */
function breakLock(path, judged) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== judged) linkSync(aside, path);
  } catch (error) {
    if (!hasCode(error, "ENOENT") && !hasCode(error, "EEXIST")) throw error;
  }
  rmSync(aside, { force: true });
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch (error) {
    // Somebody removed the lock by hand: the set-up goes on, its steps bear being repeated.
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
