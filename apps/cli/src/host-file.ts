import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";

import { writeWhole } from "./files.ts";

/** How other commands reach the host that runs on a data directory. */
export interface HostFile {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
}

const MAX_BYTES = 4_096;
const fileIn = (dataDir: string): string => join(dataDir, "host-api.json");

/** Readable for its owner alone: the token in it is good for everything that the host can do. */
export async function writeHostFile(dataDir: string, file: HostFile): Promise<void> {
  await writeWhole(fileIn(dataDir), `${JSON.stringify(file)}\n`, 0o600);
}

export async function removeHostFile(dataDir: string): Promise<void> {
  await rm(fileIn(dataDir), { force: true });
}

/** `undefined` when no host runs there, or what is written cannot be trusted to come from one of ours. */
export async function readHostFile(dataDir: string): Promise<HostFile | undefined> {
  try {
    const file = await open(fileIn(dataDir), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { mode, uid, size } = await file.stat();
      const isOwn = process.getuid === undefined || uid === process.getuid();
      // Windows has no such mode bits; there the folder's access list decides.
      const isClosed = process.platform === "win32" || (mode & 0o077) === 0;
      if (!isOwn || !isClosed || size > MAX_BYTES) return undefined;
      const { pid, url, token } = JSON.parse(await file.readFile("utf8")) as Partial<HostFile>;
      const isLoopback = typeof url === "string" && /^http:\/\/127\.0\.0\.1:\d{1,5}\/api\/v1\/$/.test(url);
      return typeof pid === "number" && isLoopback && typeof token === "string" ? { pid, url, token } : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined; // No host runs here, or it is just being written.
  }
}
