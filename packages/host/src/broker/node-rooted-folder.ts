import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, opendir, readlink, realpath, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { quote } from "@berth/base";

import { HostError } from "../errors.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const MAX_PATH = 4_096;
const MAX_COMPONENT_BYTES = 255;

/** What a folder holds. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
}

/**
 * The components of an absolute path, each checked: no `.`, no `..`, nothing empty, nothing that the system
 * would read in another way.
 *
 * @throws HostError BROKER_REQUEST_INVALID
 */
export function verifyPath(method: string, path: unknown): readonly string[] {
  const refuse = (what: string): never => {
    throw new HostError("BROKER_REQUEST_INVALID", `${method}: ${what}`);
  };
  if (typeof path !== "string" || !path.startsWith("/") || path.length > MAX_PATH || !path.isWellFormed())
    return refuse(`expected an absolute path of at most ${MAX_PATH} characters, found ${quote(path)}`);
  const components = path.slice(1).split("/");
  for (const component of path === "/" ? [] : components) {
    if (component === "" || component === "." || component === ".." || component.includes("\0"))
      refuse(`expected a path without empty, "." or ".." parts, found ${quote(path)}`);
    if (Buffer.byteLength(component) > MAX_COMPONENT_BYTES)
      refuse(`a part of ${quote(path)} is longer than a name may be`);
  }
  return path === "/" ? [] : components;
}

/**
 * Files below one folder. Every step opens one component inside the folder before it and refuses links, so that
 * a link which is put into the way between two steps leads nowhere. Linux only: it walks through /proc/self/fd,
 * which is the openat(2) that Node does not have.
 */
export class RootedFolder {
  readonly #root: string;
  /** Folders and files that nobody reaches, whatever was granted: what the host itself keeps. */
  readonly #forbidden: readonly string[];

  constructor(root: string, forbidden: readonly string[]) {
    this.#root = root;
    this.#forbidden = forbidden;
  }

  /**
   * Opens a folder below this one, for whoever can work on an open one. The caller closes it.
   *
   * @throws HostError BROKER_FILE_MISSING, BROKER_FILE_REFUSED
   */
  open(components: readonly string[]): Promise<FileHandle> {
    return this.#openFolder(components);
  }

  async read(components: readonly string[], maxBytes: number): Promise<Uint8Array> {
    return this.#withParent(components, async (parent, name) => {
      // Not blocking: a named pipe would keep us waiting for a writer.
      await using file = await open(within(parent, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const facts = await file.stat();
      if (!facts.isFile()) throw notAFile(name);
      const bytes = Buffer.alloc(Math.min(facts.size, maxBytes) + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
        length += bytesRead;
        if (bytesRead === 0) return new Uint8Array(bytes.subarray(0, length));
        if (length > maxBytes) {
          throw new HostError(
            "BROKER_QUOTA_EXCEEDED",
            `files.read: ${quote(name)} has more than the ${maxBytes} bytes that may be read`,
          );
        }
        // The file grew while we read: what was there at the beginning is what is answered.
        if (length === bytes.length) return new Uint8Array(bytes.subarray(0, length - 1));
      }
    });
  }

  async list(components: readonly string[], maxEntries: number): Promise<FolderEntry[]> {
    await using folder = await this.#openFolder(components);
    const entries: FolderEntry[] = [];
    // One after the other: a plugin may have filled the folder with millions.
    for await (const entry of await opendir(within(folder, "."))) {
      entries.push({ name: entry.name, kind: entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other" });
      if (entries.length === maxEntries) break;
    }
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Writes whole or not at all. A link in the file's place is replaced, never followed. */
  async write(components: readonly string[], bytes: Uint8Array, mayCreate: boolean): Promise<void> {
    await this.#withParent(components, async (parent, name) => {
      const isThere = await this.#isFile(parent, name);
      if (!isThere && !mayCreate)
        throw new HostError(
          "BROKER_FILE_MISSING",
          `files.write: there is no file ${quote(name)}, and none may be created`,
        );
      const staged = within(parent, `.berth-${randomBytes(8).toString("hex")}.new`);
      const file = await open(staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
        await rename(staged, within(parent, name));
      } catch (error) {
        await rm(staged, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    });
  }

  async makeFolder(components: readonly string[]): Promise<void> {
    await this.#withParent(components, (parent, name) => mkdir(within(parent, name), 0o700));
  }

  /** Deletes a file, or a folder that is empty. */
  async delete(components: readonly string[]): Promise<void> {
    await this.#withParent(components, async (parent, name) => {
      if (await this.#isFile(parent, name)) await unlink(within(parent, name));
      else await rmdir(within(parent, name));
    });
  }

  async #isFile(parent: FileHandle, name: string): Promise<boolean> {
    try {
      await using file = await open(within(parent, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const facts = await file.stat();
      if (!facts.isFile() && !facts.isDirectory()) throw notAFile(name);
      return facts.isFile();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  async #withParent<Result>(
    components: readonly string[],
    work: (parent: FileHandle, name: string) => Promise<Result>,
  ): Promise<Result> {
    const name = components.at(-1);
    if (name === undefined) throw notAFile("/");
    try {
      await using parent = await this.#openFolder(components.slice(0, -1));
      await this.#refuseForbidden(parent, name);
      return await work(parent, name);
    } catch (error) {
      throw explain(error, name);
    }
  }

  async #openFolder(components: readonly string[]): Promise<FileHandle> {
    let folder = await open(this.#root, O_RDONLY | O_DIRECTORY);
    try {
      for (const component of components) {
        const next = await open(within(folder, component), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        await folder.close();
        folder = next;
      }
      await this.#refuseForbidden(folder);
      return folder;
    } catch (error) {
      await folder.close();
      throw explain(error, components.at(-1) ?? this.#root);
    }
  }

  /**
   * Compares what was really opened: a root may itself be reached through a link of the operator's, and a file may
   * have a second name. What the host will keep where nothing is yet is refused too: whoever made it first would
   * decide what it says.
   */
  async #refuseForbidden(folder: FileHandle, name?: string): Promise<void> {
    const opened = await readlink(`/proc/self/fd/${folder.fd}`);
    const path = name === undefined ? opened : join(opened, name);
    const facts = name === undefined ? await folder.stat() : await ifThere(lstat(within(folder, name)));
    for (const each of this.#forbidden) {
      const forbidden = (await ifThere(realpath(each))) ?? (await placeOf(each));
      if (forbidden === undefined) continue;
      const theirs = await ifThere(stat(forbidden));
      const isSame = facts !== undefined && facts.ino === theirs?.ino && facts.dev === theirs.dev;
      if (isSame || path === forbidden || path.startsWith(`${forbidden}/`))
        throw new HostError("BROKER_FILE_REFUSED", "files: what the host itself keeps is out of reach for plugins");
    }
  }
}

/** Where a file would be made; `undefined` when its folder is not there either. */
async function placeOf(file: string): Promise<string | undefined> {
  const folder = await ifThere(realpath(dirname(file)));
  return folder === undefined ? undefined : join(folder, basename(file));
}

/** `undefined` when there is nothing of that name. */
async function ifThere<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

const within = (folder: FileHandle, name: string): string => `/proc/self/fd/${folder.fd}/${name}`;

const notAFile = (name: string): HostError =>
  new HostError("BROKER_FILE_REFUSED", `files: ${quote(name)} is neither a file nor a folder`);

/** Errors of the system, without its paths. */
function explain(error: unknown, name: string): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return new HostError("BROKER_FILE_MISSING", `files: there is no ${quote(name)}`);
    case "ELOOP":
    case "ENOTDIR":
    case "ENXIO":
      return new HostError("BROKER_FILE_REFUSED", `files: ${quote(name)} is a link, or not what it would have to be`);
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "EEXIST":
    case "ENOTEMPTY":
    case "EISDIR":
      return new HostError(
        "BROKER_FILE_REFUSED",
        `files: the system refuses ${quote(name)} (${(error as NodeJS.ErrnoException).code})`,
      );
    default:
      return error;
  }
}
