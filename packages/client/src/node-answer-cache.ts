import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { concatBytes, decodeUtf8, quote, utf8 } from "@berth/base";

import type { AnswerCache, CachedAnswer } from "./answer-cache.ts";
import { ClientError } from "./errors.ts";
import { sha256Hex } from "./node-digest.ts";

/** What was read is forgotten after a day: a cache is a record of what somebody was interested in. */
export const MAX_CACHE_AGE_MS = 86_400_000;
const MAX_BYTES = 64 * 1_048_576;
const MAX_FILES = 2_000;
const MAX_ENTRY_BYTES = 16 * 1_048_576;
const MAX_ETAG_LENGTH = 200;
/** Looking through the folder costs more than one write, so it is done once for so many. */
const WRITES_PER_SWEEP = 50;

interface Head {
  readonly url: string;
  readonly etag: string;
  readonly keptAt: string;
  readonly sha256: string;
}

/**
 * Opens a folder of cached answers: one file for each address, a line of facts and then the body. The body
 * is compared with its digest, and a file that is not in order counts as missing. That catches damage, not
 * somebody who may write here as the same user; what is installed is verified by digest and signature anyway.
 *
 * @throws ClientError CLIENT_CACHE_UNUSABLE when the folder is a link or open to others
 */
export async function openAnswerCache(
  folder: string,
  {
    now = () => new Date(),
    maxAgeMs = MAX_CACHE_AGE_MS,
  }: { readonly now?: () => Date; readonly maxAgeMs?: number } = {},
): Promise<AnswerCache> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await verifyFolder(folder);
  const cache = new AnswerFolder(folder, now, Math.min(maxAgeMs, MAX_CACHE_AGE_MS));
  await cache.sweep();
  return cache;
}

async function verifyFolder(folder: string): Promise<void> {
  const about = await lstat(folder);
  const isOwn = process.getuid === undefined || about.uid === process.getuid();
  // Windows has no such mode bits; there the folder's access list decides.
  const isOpen = process.platform !== "win32" && (about.mode & 0o022) !== 0;
  if (about.isDirectory() && isOwn && !isOpen) return;
  throw new ClientError(
    "CLIENT_CACHE_UNUSABLE",
    `expected a folder of your own that nobody else writes to, found ${quote(folder, 200)}`,
  );
}

class AnswerFolder implements AnswerCache {
  readonly #folder: string;
  readonly #now: () => Date;
  readonly #maxAgeMs: number;
  #writes = 0;

  constructor(folder: string, now: () => Date, maxAgeMs: number) {
    this.#folder = folder;
    this.#now = now;
    this.#maxAgeMs = maxAgeMs;
  }

  async find(url: string): Promise<CachedAnswer | undefined> {
    try {
      const bytes = await readSmall(this.#fileOf(url));
      const end = bytes.indexOf(10);
      const head = JSON.parse(decodeUtf8(bytes.subarray(0, Math.max(end, 0)))) as Partial<Head>;
      const body = bytes.subarray(end + 1);
      const ageMs = this.#now().getTime() - Date.parse(String(head.keptAt));
      // A moved clock makes an entry older or younger than it is; both directions end its use.
      const isFresh = ageMs >= 0 && ageMs <= this.#maxAgeMs;
      if (!isFresh || head.url !== url || !isEtag(head.etag) || head.sha256 !== sha256Hex(body)) return undefined;
      return { etag: head.etag, body };
    } catch {
      return undefined; // Missing, cut or scribbled over: it is asked for again.
    }
  }

  async keep(url: string, { etag, body }: CachedAnswer): Promise<void> {
    if (!isEtag(etag) || body.length > MAX_ENTRY_BYTES) return;
    const head: Head = { url, etag, keptAt: this.#now().toISOString(), sha256: sha256Hex(body) };
    const target = this.#fileOf(url);
    const beside = `${target}.${process.pid}.${(this.#writes += 1)}.new`;
    try {
      const file = await open(beside, "wx", 0o600);
      try {
        await file.writeFile(concatBytes([utf8(`${JSON.stringify(head)}\n`), body]));
      } finally {
        await file.close();
      }
      await rename(beside, target);
      if (this.#writes % WRITES_PER_SWEEP === 0) await this.sweep();
    } catch {
      await rm(beside, { force: true }); // A full disk costs the cache, nothing else.
    }
  }

  /** Removes what is too old, and the oldest beyond the bounds. */
  async sweep(): Promise<void> {
    const files = await this.#files();
    const oldest = this.#now().getTime() - this.#maxAgeMs;
    let bytes = 0;
    let kept = 0;
    for (const { path, size, modifiedMs } of files.toSorted((a, b) => b.modifiedMs - a.modifiedMs)) {
      bytes += size;
      kept += 1;
      if (modifiedMs < oldest || bytes > MAX_BYTES || kept > MAX_FILES) await rm(path, { force: true });
    }
  }

  async #files(): Promise<{ path: string; size: number; modifiedMs: number }[]> {
    const found: { path: string; size: number; modifiedMs: number }[] = [];
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      try {
        const { size, mtimeMs } = await stat(path);
        found.push({ path, size, modifiedMs: mtimeMs });
      } catch {
        // Another process swept it in between.
      }
    }
    return found;
  }

  #fileOf(url: string): string {
    return join(this.#folder, sha256Hex(url));
  }
}

const isEtag = (etag: unknown): etag is string =>
  typeof etag === "string" && etag.length <= MAX_ETAG_LENGTH && /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(etag);

async function readSmall(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    if (size > MAX_ENTRY_BYTES + 4_096) throw new Error("larger than anything that was kept");
    return await file.readFile();
  } finally {
    await file.close();
  }
}
