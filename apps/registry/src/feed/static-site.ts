import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Change, RegistryInfo } from "@berth/spec";
import { packageFileName, parsePluginId } from "@berth/spec";

import type { BlobStore } from "../blobs/blob-store.ts";
import { syncFolder, writeSynced } from "../blobs/folder-blobs.ts";
import { readPluginIndex } from "../catalogue/documents.ts";
import type { Database } from "../database/open-database.ts";
import { affectedPlugins } from "./affected-plugins.ts";
import type { FeedConsumer } from "./consumer.ts";

const POSITION_FILE = ".position";
const PAGE = 500;

export interface StaticSiteOptions {
  readonly folder: string;
  readonly db: Database;
  readonly blobs: BlobStore & { pathOf?(digest: string): string };
  readonly info: RegistryInfo;
}

/**
 * The folder from which any web server can serve what clients need to resolve, verify and install:
 * `index/registry.json`, `index/plugins/PUBLISHER/NAME.json`, `packages/PUBLISHER/NAME/FILE`. Files appear
 * whole or not at all; a package is there before the index names it.
 */
export class StaticSite implements FeedConsumer {
  readonly name = "static index";
  readonly #options: StaticSiteOptions;
  #position = -1;

  private constructor(options: StaticSiteOptions) {
    this.#options = options;
  }

  /** Opens the folder; a position that cannot be read means starting over. */
  static async open(options: StaticSiteOptions): Promise<StaticSite> {
    const site = new StaticSite(options);
    await mkdir(join(options.folder, "new"), { recursive: true });
    await site.#write("index/registry.json", options.info);
    try {
      const text = await readFile(join(options.folder, POSITION_FILE), "utf8");
      site.#position = /^\d{1,15}\n$/.test(text) ? Number(text) : -1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    return site;
  }

  get position(): number {
    return this.#position;
  }

  async apply(changes: readonly Change[]): Promise<void> {
    for (const id of await affectedPlugins(this.#options.db, changes)) await this.#writePlugin(id);
    await this.#setPosition(changes.at(-1)?.sequence ?? this.#position);
  }

  async rebuild(last: number): Promise<void> {
    let after = "";
    for (;;) {
      const rows = await this.#options.db
        .selectFrom("plugins")
        .select("id")
        .where("id", ">", after)
        .orderBy("id")
        .limit(PAGE)
        .execute();
      for (const { id } of rows) await this.#writePlugin(id);
      after = rows.at(-1)?.id ?? after;
      if (rows.length < PAGE) break;
    }
    await this.#setPosition(last);
  }

  async #writePlugin(id: string): Promise<void> {
    const index = await readPluginIndex(this.#options.db, id);
    const { publisher, name } = parsePluginId(id);
    const folder = join("packages", publisher, name);
    for (const { version, fileDigest, fileSize } of index.releases)
      await this.#placePackage(join(folder, packageFileName(id, version)), fileDigest, fileSize);
    await this.#write(join("index/plugins", publisher, `${name}.json`), index);
  }

  /** The package as another name of the blob where both are on one disk, else as a copy. */
  async #placePackage(path: string, digest: string, size: number): Promise<void> {
    const { folder, blobs } = this.#options;
    const target = join(folder, path);
    if ((await sizeOf(target)) === size) return;
    await mkdir(dirname(target), { recursive: true });
    const beside = join(folder, "new", randomUUID());
    try {
      if (blobs.pathOf === undefined) await writeSynced(beside, await blobs.read(digest));
      else await linkOrCopy(blobs.pathOf(digest), beside);
      await rename(beside, target);
      await syncFolder(dirname(target));
    } finally {
      await rm(beside, { force: true });
    }
  }

  async #write(path: string, value: unknown): Promise<void> {
    const target = join(this.#options.folder, path);
    await mkdir(dirname(target), { recursive: true });
    const beside = join(this.#options.folder, "new", randomUUID());
    await writeSynced(beside, Buffer.from(JSON.stringify(value)));
    await rename(beside, target);
    await syncFolder(dirname(target));
  }

  /** Written after what it vouches for; an older position after a crash only means that some is done again. */
  async #setPosition(position: number): Promise<void> {
    const beside = join(this.#options.folder, "new", "position");
    await writeFile(beside, `${position}\n`);
    await rename(beside, join(this.#options.folder, POSITION_FILE));
    this.#position = position;
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EXDEV", "EPERM", "ENOTSUP", "EMLINK"].includes(code)) throw error;
    await copyFile(from, to);
  }
}

/** `undefined` for a file that is not there yet, which is the usual case. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
