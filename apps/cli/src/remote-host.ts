import { randomBytes } from "node:crypto";

import { CodedError } from "@berth/base";
import type { ErrorKind } from "@berth/base";
import { nodePowers } from "@berth/client";
import type { ClientPowers, TransportAnswer } from "@berth/client";
import type {
  ActionStatistics,
  CallOptions,
  DiscoveryRequest,
  GraphRequest,
  InstalledNode,
  JournalEntry,
  JournalQuery,
  KeyedCallOptions,
  PluginSummary,
  PluginUse,
  Progress,
  RunningPlugin,
  RunningProcess,
  Schedule,
  StatisticsQuery,
} from "@berth/host";
import { DATA_LABEL_HEADER, proofOf } from "@berth/host-http";
import { readDataLabel } from "@berth/spec";

import type { ActionNews } from "./action-run.ts";
import { CliError } from "./errors.ts";
import type { HostAccess, PendingInstall, ShownPlan } from "./host-access.ts";
import type { HostFile } from "./host-file.ts";

const PING_MS = 2_000;
const LINES_TYPE = "application/x-ndjson";
const LINE_FEED = 10;
const MAX_ANSWER_BYTES = 256 * 1_048_576;
const KINDS: ReadonlySet<string> = new Set<ErrorKind>(["usage", "input", "denied", "limit", "environment", "internal"]);

interface SendOptions {
  readonly bytes?: Uint8Array | undefined;
  readonly type?: string;
  readonly accept?: string;
  readonly idempotencyKey?: string | undefined;
  readonly isOpen?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onLabel?: CallOptions<string>["onLabel"];
}

/** The host that another process runs on the same data directory, spoken to over loopback. */
export class RemoteHost implements Disposable {
  readonly #file: HostFile;
  readonly #powers: ClientPowers & Disposable = nodePowers();

  private constructor(file: HostFile) {
    this.#file = file;
  }

  /** `undefined` when nobody answers there, or somebody else does: then the host is gone. */
  static async connect(file: HostFile): Promise<RemoteHost | undefined> {
    const remote = new RemoteHost(file);
    const challenge = randomBytes(16).toString("hex");
    try {
      const { proof } = await remote.#ask<{ proof: string }>("GET", `host?challenge=${challenge}`, {
        isOpen: true,
        signal: AbortSignal.timeout(PING_MS),
      });
      if (proof === proofOf(file.token, challenge)) return remote;
    } catch {
      // Refused, silent or not our protocol: all the same, the host is not there.
    }
    remote[Symbol.dispose]();
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#powers[Symbol.dispose]();
  }

  /** What commands use; see `HostAccess`. */
  access(): HostAccess {
    const name = encodeURIComponent;
    return {
      isRemote: true,
      list: async () => (await this.#ask<{ plugins: PluginSummary[] }>("GET", "plugins")).plugins,
      discover: (asked?: DiscoveryRequest) => {
        const { folders = [], signal } = asked ?? {};
        const query = new URLSearchParams(folders.map((folder): [string, string] => ["folder", folder]));
        return this.#ask("GET", `discovery?${query}`, { signal });
      },
      graph: async () => (await this.#ask<{ plugins: InstalledNode[] }>("GET", "graph")).plugins,
      lock: () => this.#ask("GET", "lock"),
      journal: async (asked?: JournalQuery) => {
        const { pluginId, before, limit } = asked ?? {};
        const query = new URLSearchParams();
        for (const [key, value] of Object.entries({ plugin: pluginId, before, limit }))
          if (value !== undefined) query.set(key, String(value));
        return (await this.#ask<{ entries: JournalEntry[] }>("GET", `journal?${query}`)).entries;
      },
      trustedKeys: async () => (await this.#ask<{ keys: [] }>("GET", "keys")).keys,
      trustKey: async (publisher, { keyId, algorithm, publicKey }) => {
        await this.#ask("POST", "keys", { json: { publisher, key: { keyId, algorithm, publicKey } } });
      },
      statistics: async (query) => {
        const path = `statistics?${periodOf(query)}`;
        return (await this.#ask<{ actions: ActionStatistics[] }>("GET", path)).actions;
      },
      usage: async (query) => (await this.#ask<{ plugins: PluginUse[] }>("GET", `usage?${periodOf(query)}`)).plugins,
      running: async (query) => (await this.#running(query)).plugins,
      processes: async (query) => (await this.#running(query)).processes,
      run: (id, action, input, options) => this.#run(`plugins/${name(id)}/actions/${name(action)}`, input, options),
      enable: (id) => this.#ask("PUT", `plugins/${name(id)}/state`, { json: { state: "enabled" } }),
      disable: (id) => this.#ask("PUT", `plugins/${name(id)}/state`, { json: { state: "disabled" } }),
      previewUninstall: (id) => this.#ask("GET", `plugins/${name(id)}/erasure`),
      uninstallAll: async (ids) =>
        (await this.#ask<{ receipts: [] }>("POST", "uninstalls", { json: { ids } })).receipts,
      exportData: (id) => this.#exportData(`plugins/${name(id)}/data`),
      grants: async (id) => (await this.#ask<{ grants: [] }>("GET", `plugins/${name(id)}/grants`)).grants,
      policyGrants: async (id) =>
        (await this.#ask<{ policyGrants: [] }>("GET", `plugins/${name(id)}/grants`)).policyGrants,
      grant: async (id, permission, options) => {
        await this.#ask("POST", `plugins/${name(id)}/grants`, { json: { permission, ...options } });
      },
      revoke: async (id, what) => {
        const json = typeof what === "string" ? { name: what } : { permission: what };
        return (await this.#ask<{ revoked: [] }>("POST", `plugins/${name(id)}/revocations`, { json })).revoked;
      },
      declaredPermissions: async (id) =>
        (await this.#ask<{ permissions: [] }>("GET", `plugins/${name(id)}/permissions`)).permissions,
      permissionRequests: async () => (await this.#ask<{ requests: [] }>("GET", "permission-requests")).requests,
      dismissRequests: async (id, permission) => {
        const json = { name: permission };
        return (await this.#ask<{ dismissed: boolean }>("POST", `plugins/${name(id)}/dismissals`, { json })).dismissed;
      },
      suggestPermissions: (id) => this.#ask("GET", `plugins/${name(id)}/suggestion`),
      secrets: async (id) => (await this.#ask<{ secrets: [] }>("GET", `plugins/${name(id)}/secrets`)).secrets,
      setSecret: (id, secret, value) =>
        this.#ask("PUT", `plugins/${name(id)}/secrets/${name(secret)}`, { json: { value } }),
      removeSecret: async (id, secret) => {
        const path = `plugins/${name(id)}/secrets/${name(secret)}`;
        return (await this.#ask<{ removed: boolean }>("DELETE", path)).removed;
      },
      rotateSecrets: (options) => this.#ask("POST", "secrets/rotations", { json: { ...options } }),
      config: async (id) => (await this.#ask<{ value: unknown }>("GET", `plugins/${name(id)}/config`)).value,
      setConfig: async (id, value) => {
        await this.#ask("PUT", `plugins/${name(id)}/config`, { json: { value } });
      },
      schedules: async (id) => {
        const path = id === undefined ? "schedules" : `schedules?plugin=${name(id)}`;
        const { schedules } = await this.#ask<{ schedules: Schedule[] }>("GET", path);
        return schedules.map((schedule) => ({ ...schedule, nextAt: new Date(schedule.nextAt) }));
      },
      load: async (id) => {
        await this.#ask("PUT", `plugins/${name(id)}/instance`);
      },
      unload: async (id) => {
        await this.#ask("DELETE", `plugins/${name(id)}/instance`);
      },
      planGraph: (request) => this.#planGraph(request),
      registries: {
        list: async () => (await this.#registries()).registries,
        bindings: async () => (await this.#registries()).bindings,
        add: (registry) => this.#ask("POST", "registries", { json: registry }),
        remove: (id) => this.#ask("DELETE", `registries/${name(id)}`),
        bind: (publisher, registry) =>
          this.#ask("PUT", `publishers/${name(publisher)}/registry`, { json: { registry } }),
      },
    };
  }

  #running({ pluginId }: { readonly pluginId?: string } = {}): Promise<{
    plugins: RunningPlugin[];
    processes: RunningProcess[];
  }> {
    return this.#ask("GET", `running?${periodOf(pluginId === undefined ? {} : { pluginId })}`);
  }

  #registries(): Promise<{ registries: []; bindings: [] }> {
    return this.#ask("GET", "registries");
  }

  async #planGraph({
    plugins = {},
    packages = [],
    lock,
    isFrozen = false,
    signal,
  }: GraphRequest): Promise<PendingInstall> {
    const handles: string[] = [];
    for (const bytes of packages) {
      const answer = await this.#send("POST", "packages", { bytes, type: "application/octet-stream", signal });
      handles.push((JSON.parse(new TextDecoder().decode(answer)) as { id: string }).id);
    }
    const json = { plugins, packages: handles, isFrozen, ...(lock !== undefined && { lock }) };
    const { id, plan } = await this.#ask<{ id: string; plan: ShownPlan }>("POST", "plans", { json, signal });
    return {
      plan,
      install: async (consent) =>
        (await this.#ask<{ installed: PluginSummary[] }>("POST", `plans/${id}/install`, { json: consent })).installed,
    };
  }

  /** As it comes, however much it is; a connection that breaks on the way is an error. */
  async *#exportData(path: string): AsyncGenerator<string> {
    const { body } = await this.#open("GET", path, {});
    const decoder = new TextDecoder();
    for await (const part of body) yield decoder.decode(part, { stream: true });
    yield decoder.decode();
  }

  async *#run(
    path: string,
    input: Uint8Array,
    { caller, signal, onProgress, onLabel, idempotencyKey }: KeyedCallOptions<string>,
  ): AsyncGenerator<ActionNews, undefined> {
    const user = caller === undefined ? "" : `?user=${encodeURIComponent(caller)}`;
    const left = new AbortController();
    const answer = await this.#open("POST", `${path}${user}`, {
      bytes: input,
      accept: LINES_TYPE,
      idempotencyKey,
      onLabel,
      signal: signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]),
    });
    let isWhole = false;
    let told = "";
    try {
      for await (const line of readLines(answer.body, MAX_ANSWER_BYTES)) {
        const { label, progress, error, ...said } = JSON.parse(line) as {
          label?: object;
          progress?: Progress;
          error?: object;
          output?: unknown;
          item?: unknown;
          end?: true;
        };
        const text = label === undefined ? told : JSON.stringify(label);
        if (text !== told) onLabel?.(readDataLabel(text));
        told = text;
        if (progress !== undefined) onProgress?.(progress);
        else if (error !== undefined) throw errorOf(new TextEncoder().encode(JSON.stringify(error)));
        else if ("item" in said) yield { kind: "item", value: said.item };
        else if ("output" in said) yield { kind: "output", value: said.output };
        isWhole ||= "output" in said || "end" in said;
      }
    } finally {
      // Whoever has enough leaves the connection, by which the host knows.
      left.abort();
    }
    if (!isWhole) throw new CliError("CLI_HOST_RUNS", "the running host broke off its answer");
  }

  async #ask<Answer>(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    options: { json?: unknown; isOpen?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<Answer> {
    const { json, ...rest } = options;
    const bytes = json === undefined ? undefined : new TextEncoder().encode(JSON.stringify(json));
    const answer = await this.#send(method, path, { ...rest, bytes });
    return JSON.parse(new TextDecoder().decode(answer)) as Answer;
  }

  async #send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, options: SendOptions): Promise<Uint8Array> {
    const { body } = await this.#open(method, path, options);
    return readWhole(body);
  }

  /** @throws the running host's refusal */
  async #open(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    { bytes, type = "application/json", accept, idempotencyKey, isOpen = false, signal, onLabel }: SendOptions,
  ): Promise<TransportAnswer> {
    const { url, token } = this.#file;
    const answer = await this.#powers.transport({
      method,
      url: new URL(path, url),
      headers: {
        ...(!isOpen && { authorization: `Bearer ${token}` }),
        ...(accept !== undefined && { accept }),
        ...(idempotencyKey !== undefined && { "idempotency-key": `"${idempotencyKey}"` }),
        ...(bytes !== undefined && { "content-type": type }),
      },
      ...(bytes !== undefined && { body: bytes }),
      signal: signal ?? new AbortController().signal,
    });
    const label = answer.header(DATA_LABEL_HEADER);
    if (label !== undefined) onLabel?.(readDataLabel(label));
    if (answer.status < 400) return answer;
    throw errorOf(await readWhole(answer.body));
  }
}

/** Asking as a period for the API's query. */
function periodOf({ pluginId, from, to }: StatisticsQuery = {}): URLSearchParams {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries({ plugin: pluginId, from, to }))
    if (value !== undefined) query.set(key, value);
  return query;
}

const tooMuch = (): CliError => new CliError("CLI_HOST_RUNS", "the running host answered more than any command takes");

async function readWhole(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    // Leaving the loop lets go of the connection.
    if (size > MAX_ANSWER_BYTES) throw tooMuch();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Lines without their ends; none may be longer than `maxBytes`. */
async function* readLines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string, undefined> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    let start = 0;
    for (let end = part.indexOf(LINE_FEED); end !== -1; end = part.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...parts, part.subarray(start, end)]).toString("utf8");
      parts = [];
      size = 0;
      start = end + 1;
    }
    size += part.length - start;
    if (size > maxBytes) throw tooMuch();
    if (start < part.length) parts.push(part.subarray(start));
  }
  if (size > 0) yield Buffer.concat(parts).toString("utf8");
}

/** The running host's refusal, as if it had been thrown here: same code, same kind, same exit code. */
function errorOf(bytes: Uint8Array): Error {
  try {
    const { code, kind, detail, hint, details } = JSON.parse(new TextDecoder().decode(bytes)) as {
      code: string;
      kind: ErrorKind;
      detail: string;
      hint?: string;
      details?: Readonly<Record<string, unknown>>;
    };
    const row = { kind: KINDS.has(kind) ? kind : "internal", meaning: "", cause: "", remedy: "" } as const;
    return new CodedError({ [code]: row }, code, detail, {
      ...(hint !== undefined && { hint }),
      ...(details !== undefined && { details }),
    });
  } catch (cause) {
    return new CliError("CLI_HOST_RUNS", "the running host gave an answer that cannot be read", { cause });
  }
}
