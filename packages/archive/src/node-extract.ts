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
    throw unusable(`${quote(target, 200)} cannot be created`, error);
  }
  try {
    // The staging folder is private; what is handed over has the mode that the user's umask gives to folders.
    const content = join(staging, "content");
    await mkdir(content, { mode: 0o755 });
    for (const { path, kind, mode, bytes: body } of entries) {
      const place = join(content, ...path.split("/"));
      await mkdir(kind === "folder" ? place : dirname(place), { recursive: true, mode: 0o755 });
      if (kind === "folder") continue;
      // The staging folder is ours and new; O_EXCL and O_NOFOLLOW hold even if somebody writes into it meanwhile.
      const file = await open(
        place,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        mode,
      );
      try {
        await file.writeFile(body);
        await file.sync();
      } finally {
        await file.close();
      }
    }
    await rmdir(target).catch(() => undefined); // An empty target gives way; anything else makes the rename fail.
    await rename(content, target);
  } catch (error) {
    throw unusable(`the archive could not be written to ${quote(target, 200)}`, error);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return { entries: entries.length };
}

/** With the system's word for what went wrong, such as ENOSPC. */
const unusable = (what: string, cause: unknown): ArchiveError =>
  new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `${what} (${(cause as NodeJS.ErrnoException).code ?? "unknown"})`, {
    cause,
  });

async function refuseOccupied(target: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw unusable(`${quote(target, 200)} is not a folder that can be read`, error);
  }
  if (names.length > 0) throw new ArchiveError("ARCHIVE_TARGET_UNUSABLE", `${quote(target, 200)} is not empty`);
}
