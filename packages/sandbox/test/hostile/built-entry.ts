import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after } from "node:test";

import { buildEntry } from "../../../../tools/runtime-entry.ts";

const root = join(import.meta.dirname, "../../../..");

/**
 * A script for the place of a sandbox host, built into one file: inside a wall there is nothing to import. Every user
 * may read it. Gone when the test file has ended.
 */
export async function buildSandboxHost(input: string): Promise<{ folder: string; entry: string }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-hostile-"));
  after(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  const entry = join(folder, basename(input).replace(/\.ts$/, ".cjs"));
  const { code } = await buildEntry(root, { input, output: entry, format: "cjs" });
  await writeFile(entry, code, { mode: 0o644 });
  return { folder, entry };
}
