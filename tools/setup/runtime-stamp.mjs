// Which files the prebuilt runtime files were made from, and whether any of them has changed since.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode } from "./report.mjs";

/** Paths relative to the root, one per line; `bin/berth` compares their times with this file's own. */
export const INPUT_LIST = join(".toolchain", "runtime-inputs");
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
  if (!existsSync(join(root, INPUT_LIST)) || !existsSync(join(root, STAMP))) return false;
  const files = readFileSync(join(root, INPUT_LIST), "utf8").split("\n").filter(Boolean);
  return readFileSync(join(root, STAMP), "utf8") === digestOf(root, files);
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
