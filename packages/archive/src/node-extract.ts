import { constants } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { quote } from "@berth/base";

import { ArchiveError } from "./errors.ts";
import { readArchive } from "./read-archive.ts";

/**
 * The second pass: after everything was checked, writes into a new folder beside the target and renames
 * it. A refusal or a failure leaves no trace.
 *
 * @throws ArchiveError as `readArchive`, and ARCHIVE_TARGET_UNUSABLE
 */
export async function extractArchive(bytes: Uint8Array, toDirectory: string): Promise<{ entries: number }> {
  const { entries } = readArchive(bytes);
  const target = resolve(toDirectory);
  await refuseOccupied(target);
  let staging: string;
  try {
    await mkdir(dirname(target), { recursive: true });
    staging = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  } catch (error) {
    throw new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `${quote(target, 200)} cannot be created`, { cause: error });
  }
  try {
    for (const { path, kind, mode, bytes: content } of entries) {
      const place = join(staging, ...path.split("/"));
      await mkdir(kind === "folder" ? place : dirname(place), { recursive: true, mode: 0o755 });
      if (kind === "folder") continue;
      // The staging folder is ours and new; O_EXCL and O_NOFOLLOW hold even if somebody writes into it meanwhile.
      const file = await open(
        place,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        mode,
      );
      try {
        await file.writeFile(content);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await rmdir(target).catch(() => undefined); // An empty target gives way; anything else makes the rename fail.
    await rename(staging, target);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `the archive could not be written to ${quote(target, 200)}`, {
      cause: error,
    });
  }
  return { entries: entries.length };
}

async function refuseOccupied(target: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `${quote(target, 200)} is not a folder`, { cause: error });
  }
  if (names.length > 0) throw new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `${quote(target, 200)} is not empty`);
}
