import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { packPackage, replaceEnvelopes } from "@berth/archive";
import { start } from "@berth/registry";
import type { RegistryConfig, RunningRegistry } from "@berth/registry";
import { formatPublicKey, generatePublisherKey, signRelease } from "@berth/trust";
import type { PrivateKey } from "@berth/trust";

const encoder = new TextEncoder();

export interface MadePackage {
  readonly version?: string;
  readonly id?: string;
  readonly manifest?: object;
  readonly code?: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Who signs; `null` leaves the package unsigned. */
  readonly key?: PrivateKey | null;
  readonly time?: string;
  readonly repository?: string;
}

/** A signed package of a small plugin; any part may be another. */
export function makePackage({
  version = "1.0.0",
  id = "acme.csv-tools",
  manifest = {},
  code = "var berthPlugin = { actions: { echo: (value) => value } };",
  files = {},
  key = acme,
  time = "2026-01-01T00:00:00.000Z",
  repository,
}: MadePackage = {}): Uint8Array<ArrayBuffer> {
  const full = {
    id,
    version,
    displayName: "CSV tools",
    description: "Reads and writes tables as comma-separated values.",
    license: "MIT",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: { actions: { echo: { input: true, output: true } } },
    ...manifest,
  };
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    bytes: typeof content === "string" ? encoder.encode(content) : content,
  }));
  const { bytes, contentDigest } = packPackage({
    files: [
      { path: "manifest.json", bytes: encoder.encode(JSON.stringify(full)) },
      { path: "plugin.js", bytes: encoder.encode(code) },
      ...entries,
    ],
  });
  if (key === null) return bytes;
  const statement = { plugin: id, version, contentDigest, time, ...(repository !== undefined && { repository }) };
  return replaceEnvelopes(bytes, new Map([["META/release.dsse", signRelease(statement, key)]]));
}

export const acme = generatePublisherKey();

/** What a request may carry beside its path. */
interface Sent {
  readonly method?: string;
  readonly token?: string;
  readonly body?: Uint8Array<ArrayBuffer> | object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, read to the end. `body` is what its JSON holds, else its text. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests compare parts of answers of every shape
  readonly body: any;
}

/** A registry of the tests, with its operator's token. */
export interface TestRegistry {
  readonly url: string;
  readonly operator: string;
  readonly dataDir: string;
  ask(path: string, sent?: Sent): Promise<Answer>;
  /** Creates a publisher; gives the first token. */
  addPublisher(name: string, key?: PrivateKey): Promise<string>;
  publish(made: MadePackage & { token: string }): Promise<Answer>;
  close(): Promise<void>;
}

/** Settings under which tests are not slowed down or limited. */
export const QUICK = {
  port: 0,
  logLevel: "silent",
  pollMs: 100,
  countDownloadsMs: 20,
  readsPerMinute: 1_000_000,
  searchesPerMinute: 1_000_000,
  writesPerMinute: 1_000_000,
} as const satisfies Partial<RegistryConfig>;

/** Sends one request to a server. */
export async function ask(
  url: string,
  path: string,
  { method, token, body, headers = {} }: Sent = {},
): Promise<Answer> {
  const isPackage = body instanceof Uint8Array;
  const response = await fetch(`${url}/${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": isPackage ? "application/vnd.berth.package" : "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: isPackage ? body : JSON.stringify(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    body: isJson && text !== "" ? JSON.parse(text) : text,
  };
}

/** Puts a registry that is running into the hands of a test. */
export function handle(running: RunningRegistry, dataDir: string, operator: string): TestRegistry {
  const { url } = running;
  return {
    url,
    operator,
    dataDir,
    ask: (path, sent) => ask(url, path, sent),
    async addPublisher(name, key = acme) {
      const body = { name, publicKey: formatPublicKey(key) };
      const answer = await ask(url, "api/v1/publishers", { token: operator, body });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return (answer.body as { token: { token: string } }).token.token;
    },
    publish({ token, ...made }) {
      const { id = "acme.csv-tools", version = "1.0.0" } = made;
      const path = `api/v1/packages/${id.replace(".", "/")}/${version}`;
      return ask(url, path, { method: "PUT", token, body: makePackage(made) });
    },
    close: () => running.close(),
  };
}

/** Runs a test with a registry in a folder of its own, and leaves nothing behind. */
export async function withRegistry(
  work: (registry: TestRegistry) => Promise<void>,
  settings: Partial<RegistryConfig> = {},
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-registry-"));
  try {
    const running = await start({ ...QUICK, dataDir, ...settings });
    try {
      await work(handle(running, dataDir, running.operatorToken ?? ""));
    } finally {
      await running.close();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Waits for something that happens soon. */
export async function eventually(isTrue: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > until) throw new Error(`it did not happen within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
