// Which files the prebuilt runtime files were made from, and whether any of them has changed since.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listedFiles, readIfThere } from "./runtime-times.mjs";

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
    const content = readIfThere(join(root, file));
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
