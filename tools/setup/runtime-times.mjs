// Sizes and times of what the prebuilt runtime files were made from, for who cannot wait for digests: every command of
// the CLI asks, so nothing is loaded here but the file system.
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "./report.mjs";

/** Paths relative to the root, one per line. */
export const INPUT_LIST = join(".toolchain", "runtime-inputs");
/** Size and times of each of them when the digest was right. */
export const TIMES = join(".toolchain", "runtime-times");
/** One line, the built CLI's first file relative to the root; `bin/berth` starts it. */
export const CLI_ENTRY = join(".toolchain", "cli-entry");

/**
 * Whether no file has another size or time than when it was last known to be right.
 *
 * @param {string} root
 */
export function isAsBuilt(root) {
  const times = timesNow(root);
  return times !== undefined && readIfThere(join(root, TIMES))?.toString() === times;
}

/**
 * Sizes and times of what the last build read and wrote; `undefined` when there was none.
 *
 * @param {string} root
 */
export function timesNow(root) {
  return listedFiles(root)
    ?.map((file) => {
      const about = statSync(`${root}/${file}`, { throwIfNoEntry: false });
      return about === undefined ? `absent ${file}\n` : `${about.size} ${about.mtimeMs} ${about.ctimeMs} ${file}\n`;
    })
    .join("");
}

/**
 * Notes times that were taken before the digest was found right. Where they cannot be written (a clone of somebody
 * else's, a full disk) the digest is found right again the next time.
 *
 * @param {string} root
 * @param {string} times
 */
export function noteTimes(root, times) {
  const file = join(root, TIMES);
  if (readIfThere(file)?.toString() === times) return;
  const beside = `${file}.${process.pid}.new`;
  try {
    writeFileSync(beside, times);
    renameSync(beside, file);
  } catch {
    rmSync(beside, { force: true });
  }
}

/** @param {string} root */
export const listedFiles = (root) => readIfThere(join(root, INPUT_LIST))?.toString().split("\n").filter(Boolean);

/** @param {string} path */
export function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
