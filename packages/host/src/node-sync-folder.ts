import { open } from "node:fs/promises";

/** After this, names that were made or changed in a folder survive a power failure. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // Folders cannot be opened there; NTFS journals the rename itself.
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
