import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { syncFolder } from "../node-sync-folder.ts";

const SUFFIX = ".berth";
const STAGED = ".staged";
/** What this folder writes: a package, or one that is being staged by a process. */
const OUR_NAME = /^[0-9a-f]{64}\.berth(?:\.\d+\.staged)?$/;

/**
 * Packages of a host, each named by the SHA-256 of its file. A file appears whole or not at all; what the
 * database does not name is removed when the host opens.
 */
export class PackageFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Stages, syncs, and switches: after this returned, the files survive a power failure. */
  async put(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await Promise.all(Array.from(files, ([digest, bytes]) => this.#write(this.#fileOf(digest), bytes)));
    await syncFolder(this.#path);
  }

  async #write(target: string, bytes: Uint8Array): Promise<void> {
    const staged = `${target}.${process.pid}${STAGED}`;
    try {
      const handle = await open(staged, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(staged, target);
    } catch (error) {
      await rm(staged, { force: true }); // What stays would stand in the way of the next attempt.
      throw error;
    }
  }

  /** @throws Error of node:fs when the file is missing */
  read(digest: string): Promise<Uint8Array> {
    return readFile(this.#fileOf(digest));
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#fileOf(digest), { force: true });
  }

  /** Creates the folder, and removes what an interrupted install left behind; nothing but files of our own naming. */
  async prepare(known: ReadonlySet<string>): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const keep = new Set([...known].map(nameOf));
    for (const name of await readdir(this.#path)) {
      if (OUR_NAME.test(name) && !keep.has(name)) await rm(join(this.#path, name), { force: true });
    }
  }

  #fileOf(digest: string): string {
    return join(this.#path, nameOf(digest));
  }
}

const nameOf = (digest: string): string => `${digest.replace(/^sha256:/, "").replaceAll(/[^0-9a-f]/g, "_")}${SUFFIX}`;
