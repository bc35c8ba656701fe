import { closeSync, constants, fstatSync, lstatSync, openSync, opendirSync, readSync, realpathSync } from "node:fs";
import type { Stats } from "node:fs";
import { join } from "node:path";

import { quote } from "@berth/base";
import { MANIFEST_FILE } from "@berth/spec";

import { HostError } from "../errors.ts";
import { systemCodeOf } from "../node-data-dir.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const PACKAGE_SUFFIX = ".berth";
/** Codes with which the system says that something is a link, or not of the kind that was to be opened. */
const NOT_PLAIN: ReadonlySet<string> = new Set(["ELOOP", "ENOTDIR", "ENXIO", "EISDIR"]);

/** Where a folder was found, and which one it was: its path may lead to another one by now. */
export interface FolderPlace {
  /** Real path. */
  readonly path: string;
  /** The system's own name for it. */
  readonly identity: string;
}

/** Names in a folder that look like plugins, sorted. */
export interface FolderContent {
  readonly folder: FolderPlace;
  /** Whatever is called like a package and is no folder. */
  readonly packages: readonly string[];
  /** Folders that hold a manifest, or something of its name. */
  readonly developments: readonly string[];
  /** Whether the folder itself holds one. */
  readonly isDevelopment: boolean;
  readonly isWhole: boolean;
  readonly links: number;
}

/** Bytes of a plain file; none where it has more than were to be read. */
export interface PlainFile {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * An open folder whose content anybody may have put there. Each step opens one name inside of what is open and
 * refuses links; nothing but plain files and folders is opened, so that no pipe is waited for and no device is
 * touched. Synchronous, for a thread that can be spared: what a broken disk or file system never answers holds
 * back nobody else.
 *
 * On Linux a step goes through /proc/self/fd, the openat(2) that Node does not have. Elsewhere it goes by path,
 * where a folder that is exchanged for a link between two steps could lead out.
 */
export class PluginFolder implements Disposable {
  readonly #path: string;
  readonly #fd: number;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /**
   * Opens a folder that the operator named, through links of the operator's own.
   *
   * @throws HostError HOST_DISCOVERY_UNREADABLE
   */
  static open(path: string): PluginFolder {
    try {
      const real = realpathSync(path);
      return new PluginFolder(real, openSync(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    } catch (error) {
      throw unreadable("the folder", path, error);
    }
  }

  /**
   * Opens a folder once more, if its path still leads to it.
   *
   * @throws HostError HOST_DISCOVERY_UNREADABLE, HOST_DISCOVERY_NOT_PLAIN
   */
  static reopen({ path, identity }: FolderPlace): PluginFolder {
    const folder = PluginFolder.open(path);
    if (folder.#identity === identity) return folder;
    folder[Symbol.dispose]();
    throw notPlain(path, "another folder than the one that was listed");
  }

  get #identity(): string {
    const { dev, ino } = fstatSync(this.#fd, { bigint: true });
    return `${dev}:${ino}`;
  }

  /**
   * What lies in the folder, and a look for a manifest in each folder in it.
   *
   * @throws HostError HOST_DISCOVERY_UNREADABLE
   */
  list(maxNames: number, maxFound: number): FolderContent {
    try {
      return this.#list(maxNames, maxFound);
    } catch (error) {
      // Such as one whose names may be read and nothing else: opening it told nothing yet.
      throw unreadable("the folder", this.#path, error);
    }
  }

  #list(maxNames: number, maxFound: number): FolderContent {
    const { names, folders, links, isWhole } = this.#readNames(maxNames);
    const packages = names.toSorted();
    const developments = folders.toSorted().filter((name) => this.#leadsToManifest(name));
    return {
      folder: { path: this.#path, identity: this.#identity },
      packages: packages.slice(0, maxFound),
      developments: developments.slice(0, maxFound),
      isDevelopment: this.#hasManifest(),
      isWhole: isWhole && packages.length <= maxFound && developments.length <= maxFound,
      links,
    };
  }

  /** Hidden entries are passed over; of the others at most so many are looked at, in the system's order. */
  #readNames(maxNames: number): { names: string[]; folders: string[]; links: number; isWhole: boolean } {
    const found = { names: [] as string[], folders: [] as string[], links: 0, isWhole: true };
    const folder = opendirSync(this.#within("."));
    try {
      let count = 0;
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (count === maxNames) {
          found.isWhole = false;
          break;
        }
        count += 1;
        if (entry.name.startsWith(".")) continue;
        if (entry.isSymbolicLink()) found.links += 1;
        if (entry.isDirectory()) found.folders.push(entry.name);
        else if (entry.name.endsWith(PACKAGE_SUFFIX)) found.names.push(entry.name);
      }
    } finally {
      folder.closeSync();
    }
    return found;
  }

  #leadsToManifest(name: string): boolean {
    try {
      using folder = this.enter(name);
      return folder.#hasManifest();
    } catch {
      return false; // Closed to this user, or gone: nobody can say that it was a plugin.
    }
  }

  #hasManifest(): boolean {
    return lstatSync(this.#within(MANIFEST_FILE), { throwIfNoEntry: false }) !== undefined;
  }

  /** Opens a folder in this one. @throws HostError HOST_DISCOVERY_NOT_PLAIN, HOST_DISCOVERY_UNREADABLE */
  enter(name: string): PluginFolder {
    try {
      const fd = openSync(this.#within(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      return new PluginFolder(join(this.#path, name), fd);
    } catch (error) {
      throw NOT_PLAIN.has(systemCodeOf(error)) ? notPlain(name, "no folder") : unreadable("the folder", name, error);
    }
  }

  /** Reads a plain file in this folder. @throws HostError HOST_DISCOVERY_NOT_PLAIN, HOST_DISCOVERY_UNREADABLE */
  read(name: string, maxBytes: number): PlainFile {
    let fd: number | undefined;
    try {
      // Opening a device may already do something; what is exchanged after this look is met by the flags.
      refuseSpecial(name, lstatSync(this.#within(name)));
      fd = openSync(this.#within(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const facts = fstatSync(fd);
      refuseSpecial(name, facts);
      return readPlain(fd, name, facts.size, maxBytes);
    } catch (error) {
      if (error instanceof HostError) throw error;
      throw NOT_PLAIN.has(systemCodeOf(error)) ? notPlain(name, "no file") : unreadable("the file", name, error);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #within(name: string): string {
    return process.platform === "linux" ? `/proc/self/fd/${this.#fd}/${name}` : join(this.#path, name);
  }
}

/** A file that grows meanwhile is refused; one that shrinks is what was read. */
function readPlain(fd: number, name: string, sizeBytes: number, maxBytes: number): PlainFile {
  if (sizeBytes > maxBytes) return { sizeBytes, bytes: undefined };
  const bytes = new Uint8Array(sizeBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    read = readSync(fd, bytes, length, bytes.length - length, null);
  if (length > sizeBytes) throw notPlain(name, "being written");
  return { sizeBytes: length, bytes: bytes.subarray(0, length) };
}

function refuseSpecial(name: string, facts: Stats): void {
  if (!facts.isFile()) throw notPlain(name, kindOf(facts));
}

function kindOf(facts: Stats): string {
  if (facts.isSymbolicLink()) return "a symbolic link, which is not followed";
  if (facts.isDirectory()) return "a folder";
  if (facts.isFIFO()) return "a named pipe";
  if (facts.isSocket()) return "a socket";
  return "a device";
}

const notPlain = (name: string, what: string): HostError =>
  new HostError("HOST_DISCOVERY_NOT_PLAIN", `${quote(name)} is ${what}; only plain files in plain folders are read`);

const unreadable = (what: string, name: string, error: unknown): HostError =>
  new HostError("HOST_DISCOVERY_UNREADABLE", `${what} ${quote(name, 200)} cannot be read (${systemCodeOf(error)})`);
