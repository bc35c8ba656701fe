import { packageFileName, parsePluginId, pluginIndexSchema, registryInfoSchema } from "@berth/spec";
import type { PluginIndex, RegistryInfo, ReleaseIndex } from "@berth/spec";
import type { z } from "zod";

import type { AnswerCache } from "./answer-cache.ts";
import { ClientError } from "./errors.ts";
import { exchange } from "./exchange.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { verifyPluginIndex } from "./plugin-index.ts";
import { collectPackage, lengthWrong } from "./node-package-sink.ts";
import { parseJson, readBytes } from "./read-body.ts";
import { compareRegistry, compareRevision, shortMemory } from "./registry-memory.ts";
import type { RegistryMemory } from "./registry-memory.ts";
import type { ClientPowers } from "./transport.ts";

/** A little more than an index of as many releases as a plugin may have. */
const MAX_INDEX_BYTES = 16 * 1_048_576;
const MAX_INFO_BYTES = 65_536;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_TRANSFER_MS = 600_000;
const DEFAULT_IDLE_MS = 15_000;
const JSON_TYPE = /^application\/(?:json|[\w.-]+\+json)\b/i;

/** How a client is made. */
export interface RegistryClientOptions {
  /** As `parseRegistryUrl` gives it. */
  readonly url: URL;
  readonly powers: ClientPowers;
  /** Answers of earlier runs; each is used only after the registry said that it still holds. */
  readonly cache?: AnswerCache;
  /** What this registry said before; forgotten with the process by default. */
  readonly memory?: RegistryMemory;
  /** For one question with all its attempts, ms. Default 30,000. */
  readonly timeoutMs?: number;
  /** For one package, ms. Default 600,000. */
  readonly transferMs?: number;
  /** The longest silence within an answer, ms. Default 15,000. */
  readonly idleMs?: number;
}

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears how many more bytes went over the line. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/**
 * Reads a registry's static files: what kind of registry it is, the index of a plugin, and packages. That
 * is all that resolving and installing need, so they work while any web server serves the files.
 *
 * Every answer is compared with its schema and with what the registry said before. Requests carry the
 * address, `user-agent: berth` and an entity tag; nothing tells who asks.
 */
export class RegistryClient {
  readonly url: URL;
  readonly #options: RegistryClientOptions;
  readonly #memory: RegistryMemory;
  #info: Promise<RegistryInfo> | undefined;

  constructor(options: RegistryClientOptions) {
    this.url = options.url;
    this.#options = options;
    this.#memory = options.memory ?? shortMemory();
  }

  /**
   * What kind of server this is; asked once for each client.
   *
   * @throws ClientError CLIENT_NOT_A_REGISTRY, CLIENT_REGISTRY_CHANGED, CLIENT_METADATA_MISSING, and what
   *   every exchange throws: CLIENT_REGISTRY_UNREACHABLE, CLIENT_REGISTRY_SLOW, CLIENT_REGISTRY_FAILED,
   *   CLIENT_RATE_LIMITED, CLIENT_DENIED, CLIENT_REFUSED, CLIENT_REDIRECT_REFUSED
   */
  info(signal?: AbortSignal): Promise<RegistryInfo> {
    this.#info ??= this.#readInfo(signal).catch((error: unknown) => {
      this.#info = undefined; // The next question may find the registry awake.
      throw error;
    });
    return this.#info;
  }

  async #readInfo(signal: AbortSignal | undefined): Promise<RegistryInfo> {
    const what = `asking ${this.url.href} what it is`;
    try {
      const info = await this.#readFile("index/registry.json", registryInfoSchema, MAX_INFO_BYTES, what, signal);
      await compareRegistry(this.#memory, info, this.url);
      return info;
    } catch (error) {
      const isOther =
        error instanceof ClientError &&
        (error.code === "CLIENT_ANSWER_INVALID" || error.code === "CLIENT_ANSWER_TOO_LARGE" || isNotFound(error));
      if (!isOther) throw error;
      throw new ClientError("CLIENT_NOT_A_REGISTRY", `${this.url.href} is not a Berth registry: ${error.message}`, {
        cause: error,
      });
    }
  }

  /**
   * All releases of a plugin; `undefined` when the registry does not have it.
   *
   * @throws ClientError CLIENT_ANSWER_INVALID, CLIENT_ANSWER_TOO_LARGE, CLIENT_ROLLED_BACK, and what `info` throws
   */
  async index(pluginId: string, signal?: AbortSignal): Promise<PluginIndex | undefined> {
    const { publisher, name } = parsePluginId(pluginId);
    await this.info(signal);
    const path = `index/plugins/${publisher}/${name}.json`;
    const what = `reading the index of ${pluginId} from ${this.url.host}`;
    try {
      const index = await this.#readFile(path, pluginIndexSchema, MAX_INDEX_BYTES, what, signal);
      const state = verifyPluginIndex(index, pluginId, what);
      await compareRevision(this.#memory, pluginId, state);
      return index;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * A package file, exactly as long and with exactly the digest that the index announces.
   *
   * @throws ClientError CLIENT_LENGTH_WRONG, CLIENT_DIGEST_WRONG, CLIENT_RELEASE_UNKNOWN, and what `info` throws
   */
  async download(
    pluginId: string,
    { version, fileSize, fileDigest }: Pick<ReleaseIndex, "version" | "fileSize" | "fileDigest">,
    { signal, onBytes }: TransferOptions = {},
  ): Promise<Uint8Array> {
    const { publisher, name } = parsePluginId(pluginId);
    await this.info(signal);
    const what = `downloading ${pluginId} ${version} from ${this.url.host}`;
    const { transferMs = DEFAULT_TRANSFER_MS } = this.#options;
    try {
      return await this.exchange({
        url: this.at(`packages/${publisher}/${name}/${packageFileName(pluginId, version)}`),
        timeoutMs: transferMs,
        signal,
        what,
        read: async (answer, body) => {
          const announced = answer.header("content-length");
          if (announced !== undefined && announced !== String(fileSize)) {
            throw lengthWrong(what, fileSize, `${Number(announced)} by its own header`);
          }
          return collectPackage(body, { fileSize, fileDigest }, { what, onBytes });
        },
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new ClientError("CLIENT_RELEASE_UNKNOWN", `${what}: the index announces a file that is not there`, {
        cause: error,
      });
    }
  }

  /** One static file as JSON, by its entity tag from the cache where it did not change. */
  async #readFile<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    maxBytes: number,
    what: string,
    signal: AbortSignal | undefined,
  ): Promise<z.output<Schema>> {
    const url = this.at(path);
    const { cache } = this.#options;
    const cached = await cache?.find(url.href);
    return this.exchange({
      url,
      headers: { accept: "application/json", ...(cached !== undefined && { "if-none-match": cached.etag }) },
      signal,
      what,
      read: async (answer, body) => {
        if (answer.status === 304 && cached !== undefined) {
          await readBytes(body, 0, what);
          return parseJson(cached.body, schema, what);
        }
        verifyJson(answer.status, answer.header("content-type"), what);
        const bytes = await readBytes(body, maxBytes, what);
        const value = parseJson(bytes, schema, what);
        const etag = answer.header("etag");
        if (etag !== undefined) await cache?.keep(url.href, { etag, body: bytes });
        return value;
      },
    });
  }

  /** An address below the registry's; the path is made of checked names only. */
  at(path: string): URL {
    return new URL(path, this.url);
  }

  /** Sends a request within this client's deadlines. */
  exchange<Result>(
    request: Omit<ExchangeRequest<Result>, "timeoutMs" | "idleMs"> & { readonly timeoutMs?: number },
  ): Promise<Result> {
    const { powers, timeoutMs = DEFAULT_TIMEOUT_MS, idleMs = DEFAULT_IDLE_MS } = this.#options;
    return exchange(powers, { timeoutMs, idleMs, ...request });
  }
}

/** @throws ClientError CLIENT_ANSWER_INVALID */
export function verifyJson(status: number, type: string | undefined, what: string): void {
  if (status >= 200 && status < 300 && JSON_TYPE.test(type ?? "")) return;
  throw new ClientError(
    "CLIENT_ANSWER_INVALID",
    `${what}: expected JSON, found ${type === undefined ? "no type" : type.slice(0, 80)} with status ${status}`,
  );
}

/** Whether the registry said that there is nothing at an address. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof ClientError &&
  error.code === "CLIENT_REFUSED" &&
  (error.details?.["status"] === 404 || error.details?.["status"] === 410);
