import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * `sha256:` and a digest of the scanner's own code, rules included: results of the same package under
 * the same fingerprint are the same, so that a catalogue is scanned again only where something changed.
 */
export async function scannerFingerprint(): Promise<string> {
  const folder = import.meta.dirname;
  const names = await readdir(folder, { recursive: true });
  const hash = createHash("sha256");
  for (const name of names.filter((each) => /\.(?:ts|js)$/u.test(each) && !each.endsWith(".d.ts")).toSorted())
    hash
      .update(`${name}\0`)
      .update(await readFile(join(folder, name)))
      .update("\0");
  return `sha256:${hash.digest("hex")}`;
}
