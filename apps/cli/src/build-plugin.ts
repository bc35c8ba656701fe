import { readFile } from "node:fs/promises";

import { packPluginFolder, readPluginFolder, typesFileOf, writePluginTypes } from "./plugin-folder.ts";
import { formatPluginTypes } from "./plugin-types.ts";

/**
 * Builds an unsigned package of a plugin's folder as `berth pack` does, and keeps the types beside the source up to
 * date. It is the `build` of a host's `developmentFolders`.
 *
 * @throws CliError CLI_FILE_UNREADABLE, CLI_BUNDLE_FAILED with `details.places`; SpecError; ArchiveError
 */
export async function buildPluginFolder(path: string): Promise<Uint8Array> {
  const folder = await readPluginFolder(path);
  const types = await readFile(typesFileOf(folder), "utf8").catch(() => undefined); // Not written yet.
  // Writing what is there already would be a change, which would build again, without end.
  if (types !== formatPluginTypes(folder.manifest)) await writePluginTypes(folder);
  return (await packPluginFolder(folder)).bytes;
}
