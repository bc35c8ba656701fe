import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { Change } from "@berth/spec";
import { LRUCache } from "lru-cache";

import type { Database } from "../database/open-database.ts";
import { affectedPlugins } from "./affected-plugins.ts";
import type { FeedConsumer } from "./consumer.ts";

/** A document as it goes over the wire. */
export interface Served {
  readonly body: Buffer;
  readonly etag: string;
  /** The same, compressed, where that is worth it. */
  readonly gzipped?: Buffer;
}

/** A strong entity tag: the same tag means the same bytes. */
export const etagOf = (body: Uint8Array): string =>
  `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;

export const serve = (body: Buffer): Served => ({ body, etag: etagOf(body) });

/** Smaller documents fit into a packet or two as they are. */
const WORTH_COMPRESSING = 4_096;
const compress = promisify(gzip);

/** Kinds of documents that change with their plugin. */
const KINDS = ["index", "detail"] as const;
type Kind = (typeof KINDS)[number];

/** Documents of plugins, serialised once for all readers until the plugin changes. Bounded by bytes. */
export class DocumentCache implements FeedConsumer {
  readonly name = "document cache";
  readonly #db: Database;
  readonly #documents: LRUCache<string, Served>;
  #position: number;
  #generation = 0;

  constructor(db: Database, maxBytes: number, position: number) {
    this.#db = db;
    this.#position = position;
    this.#documents = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ body, gzipped }) => body.length + (gzipped?.length ?? 0) + 200,
    });
  }

  get position(): number {
    return this.#position;
  }

  /** The document of this kind of this plugin, made by `read` when it is not at hand. */
  async get(kind: Kind, plugin: string, read: () => Promise<Buffer>): Promise<Served> {
    const key = `${kind} ${plugin}`;
    const cached = this.#documents.get(key);
    if (cached !== undefined) return cached;
    const generation = this.#generation;
    const served = await serveCompressed(await read());
    // A change that came meanwhile may be missing in what was read.
    if (generation === this.#generation) this.#documents.set(key, served);
    return served;
  }

  /** A document of a release that never changes; `what` names it among those of the release. */
  async getFixed(what: string, plugin: string, version: string, read: () => Promise<Buffer>): Promise<Served> {
    const key = `${what} ${plugin} ${version}`;
    const cached = this.#documents.get(key);
    if (cached !== undefined) return cached;
    const served = await serveCompressed(await read());
    this.#documents.set(key, served);
    return served;
  }

  async apply(changes: readonly Change[]): Promise<void> {
    this.forget(await affectedPlugins(this.#db, changes));
    this.#position = changes.at(-1)?.sequence ?? this.#position;
  }

  /** Drops the documents of these plugins that may have changed. */
  forget(plugins: readonly string[]): void {
    this.#generation += 1;
    for (const plugin of plugins) for (const kind of KINDS) this.#documents.delete(`${kind} ${plugin}`);
  }

  async rebuild(last: number): Promise<void> {
    this.#generation += 1;
    this.#documents.clear();
    this.#position = last;
  }
}

async function serveCompressed(body: Buffer): Promise<Served> {
  return { ...serve(body), ...(body.length >= WORTH_COMPRESSING && { gzipped: await compress(body) }) };
}
