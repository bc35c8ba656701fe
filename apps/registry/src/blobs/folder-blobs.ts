import { randomUUID } from "node:crypto";
import { mkdir, open, opendir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { RegistryError } from "../errors.ts";
import type { BlobStore, StoredBlob } from "./blob-store.ts";
import { hexOf, missingBlob, verifyBlob } from "./verify-blob.ts";

/** Blobs in a folder: `ab/abcdef…`, written beside, synced and renamed. */
export async function openFolderBlobs(folder: string): Promise<BlobStore & { pathOf(digest: string): string }> {
  await mkdir(join(folder, "new"), { recursive: true });
  const pathOf = (digest: string): string => join(folder, hexOf(digest).slice(0, 2), hexOf(digest));
  return {
    pathOf,
    async put(digest, bytes) {
      const path = pathOf(digest);
      // What is there may be the half-written file of a disk that failed; only an intact one is kept.
      if (await holds(path, digest)) return;
      const parent = join(folder, hexOf(digest).slice(0, 2));
      const beside = join(folder, "new", randomUUID());
      try {
        await mkdir(parent, { recursive: true });
        await writeSynced(beside, bytes);
        await rename(beside, path);
        await syncFolder(parent);
      } catch (error) {
        await rm(beside, { force: true });
        throw blobFailure(error, digest);
      }
    },
    async read(digest) {
      let bytes: Uint8Array;
      try {
        bytes = await readFile(pathOf(digest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") throw missingBlob(digest);
        throw blobFailure(error, digest);
      }
      return verifyBlob(digest, bytes);
    },
    list: () => listFolder(folder),
    remove: (digest) => rm(pathOf(digest), { force: true }),
  };
}

async function holds(path: string, digest: string): Promise<boolean> {
  try {
    verifyBlob(digest, await readFile(path));
    return true;
  } catch {
    return false; // Missing, unreadable or damaged: it is written anew.
  }
}

/** Writes a new file and waits until the disk has it. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o644);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename durable. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // Windows cannot open a folder to sync it.
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Names a failure of the file system. */
export function blobFailure(error: unknown, digest: string): RegistryError {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(code))
    return new RegistryError("REGISTRY_DISK_FULL", "there is no space left for the package", { cause: error });
  return new RegistryError("REGISTRY_BLOBS_FAILED", `the blob store failed at ${digest} (${code})`, { cause: error });
}

async function* listFolder(folder: string): AsyncIterable<StoredBlob> {
  for await (const parent of await opendir(folder)) {
    if (!parent.isDirectory() || !/^[0-9a-f]{2}$/.test(parent.name)) continue;
    for await (const { name } of await opendir(join(folder, parent.name))) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const { mtime } = await stat(join(folder, parent.name, name));
      yield { digest: `sha256:${name}`, modifiedAt: mtime };
    }
  }
}
