// Which files the prebuilt runtime files were made from, and whether any of them has changed since.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "./report.mjs";

/** Paths relative to the root, one per line. */
export const INPUT_LIST = join(".toolchain", "runtime-inputs");
/** Size and time of each of them when the digest was right. */
export const TIMES = join(".toolchain", "runtime-times");
/** One line, the built CLI's first file relative to the root; `bin/berth` starts it. */
export const CLI_ENTRY = join(".toolchain", "cli-entry");
/** The digest of the inputs and outputs at the time of the last build. */
export const STAMP = join(".toolchain", "runtime-digest");

/**
 * SHA-256 over names and contents; a missing file counts as such.
 *
 * @param {string} root
 * @param {readonly string[]} files relative to the root
 */
export function digestOf(root, files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = read(join(root, file));
    hash.update(content === undefined ? `absent ${file}\0` : `${content.length} ${file}\0`).update(content ?? "");
  }
  return hash.digest("hex");
}

/**
 * Whether the runtime files are those that a build would make now.
 *
 * @param {string} root
 */
export function isRuntimeFresh(root) {
  const files = listedFiles(root);
  if (files === undefined || !existsSync(join(root, STAMP))) return false;
  return readFileSync(join(root, STAMP), "utf8") === digestOf(root, files);
}

/**
 * Whether no file has another size or time than when it was last known to be right.
 *
 * @param {string} root
 */
export function isAsBuilt(root) {
  const times = timesNow(root);
  return times !== undefined && read(join(root, TIMES))?.toString() === times;
}

/**
 * Sizes and times of what the last build read and wrote; `undefined` when there was none.
 *
 * @param {string} root
 */
export function timesNow(root) {
  return listedFiles(root)
    ?.map((file) => {
      const about = statSync(join(root, file), { throwIfNoEntry: false });
      return about === undefined ? `absent ${file}\n` : `${about.size} ${about.mtimeMs} ${file}\n`;
    })
    .join("");
}

/**
 * Notes times that were taken before the digest was found right. Where nothing can be written it is found right again
 * the next time.
 *
 * @param {string} root
 * @param {string} times
 */
export function noteTimes(root, times) {
  const file = join(root, TIMES);
  if (read(file)?.toString() === times) return;
  try {
    writeFileSync(`${file}.${process.pid}.new`, times);
    renameSync(`${file}.${process.pid}.new`, file);
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].some((code) => hasCode(error, code))) throw error;
  }
}

/** @param {string} root */
const listedFiles = (root) => read(join(root, INPUT_LIST))?.toString().split("\n").filter(Boolean);

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
