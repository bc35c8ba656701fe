import { utf8 } from "@berth/base";
import {
  changePageSchema,
  newPublisherAnswerSchema,
  newTokenAnswerSchema,
  parsePluginId,
  pluginDetailSchema,
  pluginIndexSchema,
  publishedSchema,
  publisherSchema,
  searchPageSchema,
  tokenListSchema,
} from "@berth/spec";
import type {
  ChangePage,
  NewPublisher,
  NewPublisherAnswer,
  NewToken,
  NewTokenAnswer,
  PluginDetail,
  PluginIndex,
  Published,
  Publisher,
  SearchPage,
  SearchQuery,
  Token,
} from "@berth/spec";
import type { z } from "zod";

import { ClientError } from "./errors.ts";
import { parseJson, readBytes } from "./read-body.ts";
import { isNotFound, verifyJson } from "./registry-client.ts";
import type { RegistryClient, TransferOptions } from "./registry-client.ts";
import type { TransportRequest } from "./transport.ts";

/** A little more than the index of as many releases as a plugin may have. */
const MAX_ANSWER_BYTES = 16 * 1_048_576;
const MAX_README_BYTES = 4 * 1_048_576;
const PACKAGE_TYPE = "application/vnd.berth.package";
const UPLOAD_PART_BYTES = 65_536;
const UPLOAD_MS = 600_000;

/** What to ask of a search; left out means the registry's default. */
export type SearchRequest = Partial<SearchQuery>;

/** A question to the API: everything but the path is optional. */
interface ApiRequest<Schema extends z.ZodType> {
  readonly method?: TransportRequest["method"];
  readonly path: string;
  readonly schema: Schema;
  readonly what: string;
  readonly body?: unknown;
  readonly needsToken?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The registry's API below `api/v1/`: searching, publishing, and everything that needs its server rather
 * than its files. A token goes only to a server that has shown that it is a Berth registry, and only with
 * requests that need one.
 */
export class RegistryApi {
  readonly #client: RegistryClient;
  readonly #token: string | undefined;

  constructor(client: RegistryClient, token?: string) {
    this.#client = client;
    this.#token = token;
  }

  /** @throws ClientError CLIENT_ANSWER_INVALID, and what `RegistryClient.info` throws; so do all others here */
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchPage> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request)) if (value !== undefined) query.set(name, String(value));
    return this.#ask({ path: `plugins?${query}`, schema: searchPageSchema, what: "searching", signal });
  }

  /** `undefined` when the registry does not have the plugin. */
  async plugin(pluginId: string, signal?: AbortSignal): Promise<PluginDetail | undefined> {
    const { publisher, name } = parsePluginId(pluginId);
    const what = `asking about ${pluginId}`;
    try {
      const path = `plugins/${publisher}.${name}`;
      const detail = await this.#ask({ path, schema: pluginDetailSchema, what, signal });
      if (detail.id === pluginId) return detail;
      throw new ClientError("CLIENT_ANSWER_INVALID", `${what}: the answer is about ${detail.id}`);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** What was published, yanked and changed after a sequence number; the same for everybody who asks. */
  changes(after: number, limit = 1_000, signal?: AbortSignal): Promise<ChangePage> {
    const path = `changes?after=${after}&limit=${limit}`;
    return this.#ask({ path, schema: changePageSchema, what: "reading the change feed", signal });
  }

  /** The readme's Markdown, hostile like every text from outside; `undefined` when there is none. */
  async readme(pluginId: string, signal?: AbortSignal): Promise<string | undefined> {
    const { publisher, name } = parsePluginId(pluginId);
    const what = `reading the readme of ${pluginId}`;
    await this.#client.info(signal);
    try {
      return await this.#client.exchange({
        url: this.#client.at(`api/v1/plugins/${publisher}.${name}/readme`),
        what,
        signal,
        read: async (_, body) => new TextDecoder().decode(await readBytes(body, MAX_README_BYTES, what)),
      });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Uploads a package. Publishing the very same file again is answered like the first time.
   *
   * @throws ClientError CLIENT_DENIED, CLIENT_REFUSED with the registry's reason
   */
  async publish(
    pluginId: string,
    version: string,
    bytes: Uint8Array,
    { signal, onBytes }: TransferOptions = {},
  ): Promise<Published> {
    const { publisher, name } = parsePluginId(pluginId);
    await this.#client.info(signal);
    const what = `publishing ${pluginId} ${version}`;
    return this.#client.exchange({
      method: "PUT",
      url: this.#client.at(`api/v1/packages/${publisher}/${name}/${encodeURIComponent(version)}`),
      headers: {
        accept: "application/json",
        "content-type": PACKAGE_TYPE,
        "content-length": String(bytes.length),
        ...this.#authorization(what),
      },
      body: inParts(bytes, onBytes),
      timeoutMs: UPLOAD_MS,
      signal,
      what,
      read: (answer, body) => readJson(answer, body, publishedSchema, what),
    });
  }

  yank(pluginId: string, version: string, reason: string): Promise<PluginIndex> {
    return this.#mark("PUT", pluginId, version, "yank", { reason });
  }

  unyank(pluginId: string, version: string): Promise<PluginIndex> {
    return this.#mark("DELETE", pluginId, version, "yank");
  }

  /** Without a version, the whole plugin. */
  deprecate(
    pluginId: string,
    version: string | undefined,
    advice: { readonly message: string; readonly replacement?: string },
  ): Promise<PluginIndex> {
    return this.#mark("PUT", pluginId, version, "deprecation", advice);
  }

  undeprecate(pluginId: string, version: string | undefined): Promise<PluginIndex> {
    return this.#mark("DELETE", pluginId, version, "deprecation");
  }

  #mark(
    method: "PUT" | "DELETE",
    pluginId: string,
    version: string | undefined,
    mark: "yank" | "deprecation",
    body?: unknown,
  ): Promise<PluginIndex> {
    const { publisher, name } = parsePluginId(pluginId);
    const release = version === undefined ? "" : `/releases/${encodeURIComponent(version)}`;
    return this.#ask({
      method,
      path: `plugins/${publisher}.${name}${release}/${mark}`,
      schema: pluginIndexSchema,
      what: `changing the ${mark} of ${pluginId}${version === undefined ? "" : ` ${version}`}`,
      needsToken: true,
      ...(body !== undefined && { body }),
    });
  }

  publisher(name: string): Promise<Publisher> {
    const path = `publishers/${encodeURIComponent(name)}`;
    return this.#ask({ path, schema: publisherSchema, what: `asking about the publisher ${name}` });
  }

  /** Claims a name. The answer holds a first token, shown this once. Needs a token unless registration is open. */
  createPublisher(body: NewPublisher): Promise<NewPublisherAnswer> {
    const needsToken = this.#token !== undefined;
    const what = `creating the publisher ${body.name}`;
    return this.#ask({ method: "POST", path: "publishers", schema: newPublisherAnswerSchema, what, body, needsToken });
  }

  /** Enrols a further key; the statement is signed by one that the publisher has. */
  enrolKey(publisher: string, statement: string): Promise<Publisher> {
    const path = `publishers/${encodeURIComponent(publisher)}/keys`;
    const what = `enrolling a key of ${publisher}`;
    return this.#ask({ method: "POST", path, schema: publisherSchema, what, body: { statement }, needsToken: true });
  }

  retireKey(publisher: string, keyId: string): Promise<Publisher> {
    const path = `publishers/${encodeURIComponent(publisher)}/keys/${encodeURIComponent(keyId)}`;
    const what = `retiring a key of ${publisher}`;
    return this.#ask({ method: "DELETE", path, schema: publisherSchema, what, needsToken: true });
  }

  createToken(body: NewToken): Promise<NewTokenAnswer> {
    const what = "making a token";
    return this.#ask({ method: "POST", path: "tokens", schema: newTokenAnswerSchema, what, body, needsToken: true });
  }

  async tokens(): Promise<readonly Token[]> {
    const answer = await this.#ask({
      path: "tokens",
      schema: tokenListSchema,
      what: "listing tokens",
      needsToken: true,
    });
    return answer.items;
  }

  async revokeToken(id: string): Promise<void> {
    const what = "revoking a token";
    await this.#client.info();
    await this.#client.exchange({
      method: "DELETE",
      url: this.#client.at(`api/v1/tokens/${encodeURIComponent(id)}`),
      headers: this.#authorization(what),
      what,
      read: (_, body) => readBytes(body, 0, what),
    });
  }

  async #ask<Schema extends z.ZodType>({
    method = "GET",
    path,
    schema,
    what,
    body,
    needsToken = false,
    signal,
  }: ApiRequest<Schema>): Promise<z.output<Schema>> {
    await this.#client.info(signal);
    return this.#client.exchange({
      method,
      url: this.#client.at(`api/v1/${path}`),
      headers: {
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(needsToken && this.#authorization(what)),
      },
      ...(body !== undefined && { body: utf8(JSON.stringify(body)) }),
      what,
      signal,
      read: (answer, bytes) => readJson(answer, bytes, schema, what),
    });
  }

  /** @throws ClientError CLIENT_TOKEN_MISSING */
  #authorization(what: string): Record<string, string> {
    const token = this.#token;
    if (token === undefined || !/^[\x21-\x7e]{1,400}$/.test(token))
      throw new ClientError("CLIENT_TOKEN_MISSING", `${what} needs a token of the registry ${this.#client.url.href}`);
    return { authorization: `Bearer ${token}` };
  }
}

function readJson<Schema extends z.ZodType>(
  answer: { readonly status: number; readonly header: (name: string) => string | undefined },
  body: AsyncIterable<Uint8Array>,
  schema: Schema,
  what: string,
): Promise<z.output<Schema>> {
  verifyJson(answer.status, answer.header("content-type"), what);
  return readBytes(body, MAX_ANSWER_BYTES, what).then((bytes) => parseJson(bytes, schema, what));
}

async function* inParts(
  bytes: Uint8Array,
  onBytes: TransferOptions["onBytes"],
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += UPLOAD_PART_BYTES) {
    const part = bytes.subarray(at, at + UPLOAD_PART_BYTES);
    yield part;
    onBytes?.(part.length);
  }
}
