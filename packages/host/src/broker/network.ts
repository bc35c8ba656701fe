import { quote } from "@berth/base";
import { covers, mayLeaveTo, permissionOf } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import { labelDenied } from "../labels/sinks.ts";
import { amountOf } from "../rights/decide-right.ts";
import type { Right } from "../rights/decide-right.ts";
import type { HeldRight, Rights } from "../rights/rights.ts";
import { spend } from "./daily-bytes.ts";
import type { DailyBytes } from "./daily-bytes.ts";
import { exchange } from "./http-exchange.ts";
import type { Resolve } from "./http-exchange.ts";
import { makeResolve } from "./node-resolve.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceRequest } from "./service.ts";
import type { Vault } from "./vault.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
type Method = (typeof METHODS)[number];
type NetworkPermission = Extract<Permission, { name: "network_restricted" }>;

const MAX_URL = 8_192;
const MAX_HEADERS = 64;
const MAX_HEADER_VALUE = 8_192;
const MAX_BODY_BYTES = 8 * 1_048_576;
const MAX_ANSWER_BYTES = 16 * 1_048_576;
const MAX_REDIRECTS = 5;
const TIMEOUT_MS = 30_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
/** Headers that belong to the connection, or tell the other end whom it talks to. */
const RESERVED =
  /^(?:host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|idempotency-key)$/;
/** What must not follow a redirect to another origin. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

interface Fetch {
  readonly url: URL;
  readonly method: Method;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array | undefined;
  /** RFC draft "The Idempotency-Key HTTP Header Field": the other end may recognize a repetition. */
  readonly effectKey: string | undefined;
}

/** The right to one request, and what goes with it. */
interface NetworkRight extends Right {
  /** All that it goes on by: the network, and each secret in its headers. */
  readonly wanted: readonly Permission[];
  readonly secretHeaders: NetworkPermission["secretHeaders"];
  readonly privateHosts: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

const toInject = (secret: string): Permission => ({ name: "secrets_access", names: [secret], reveal: false });

/** What the network service works on. All of it belongs to the host. */
export interface NetworkParts {
  readonly rights: Pick<Rights, "verify" | "hold">;
  readonly dailyBytes: DailyBytes;
  readonly vault: Vault;
  readonly privateHosts: ReadonlySet<string>;
  readonly resolve?: Resolve;
}

/**
 * `ctx.fetch`: HTTP to the hosts that the plugin has a right to. Every redirect is a request of its own, with its
 * own right, address check and secrets.
 */
export function makeNetworkService({
  rights,
  dailyBytes,
  vault,
  privateHosts,
  resolve = makeResolve(privateHosts),
}: NetworkParts): Service {
  /** The right to one request, and to the secrets that the manifest wants in its headers. */
  async function verifyRight(call: ServiceCall, { url, method }: Fetch): Promise<NetworkRight> {
    const host = url.hostname;
    verifyMayLeaveTo(call, host);
    const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
    const wanted: NetworkPermission = {
      name: "network_restricted",
      hosts: [host],
      ports: [port],
      methods: [method],
      bytesPerDay: 1,
      secretHeaders: [],
    };
    const declared = call.permissions.map(permissionOf);
    const entry = declared.find((each) => covers(each, wanted));
    if (entry === undefined && declared.some(({ name }) => name === "network_unrestricted")) {
      const open: Permission = { name: "network_unrestricted", bytesPerDay: 1 };
      // A right to every host is none to those that the policy calls private: these must be named.
      return { ...(await rights.verify(call, open)), wanted: [open], secretHeaders: [], privateHosts: NONE };
    }
    const secretHeaders = entry?.name === "network_restricted" ? entry.secretHeaders : [];
    const named = { ...wanted, secretHeaders };
    const right = await rights.verify(call, named);
    // Port 443 is no promise of TLS: the plugin, or a redirect, may say http.
    if (secretHeaders.length > 0 && url.protocol !== "https:" && !privateHosts.has(url.hostname))
      throw requestInvalid("network.fetch", "secrets travel over https only, except to private hosts of the policy");
    const secrets = [...new Set(secretHeaders.map(({ secret }) => secret))].map(toInject);
    for (const secret of secrets) await rights.verify(call, secret);
    return { ...right, wanted: [named, ...secrets], secretHeaders, privateHosts };
  }

  /** Watches every right that a request goes on by. */
  function holdAll(call: ServiceCall, wanted: readonly Permission[]): HeldRight {
    const all = wanted.map((each) => rights.hold(call, each));
    return {
      signal: AbortSignal.any(all.map(({ signal }) => signal)),
      verify: () => all.forEach((held) => held.verify()),
      [Symbol.dispose]: () => all.forEach((held) => held[Symbol.dispose]()),
    };
  }

  async function headersWithSecrets(
    call: ServiceCall,
    { method, headers, effectKey }: Fetch,
    secretHeaders: NetworkPermission["secretHeaders"],
  ): Promise<Map<string, string>> {
    const all = new Map(headers);
    if (effectKey !== undefined && method !== "GET" && method !== "HEAD") all.set("idempotency-key", `"${effectKey}"`);
    for (const { header, secret } of secretHeaders) {
      if (all.has(header.toLowerCase()))
        throw requestInvalid("network.fetch", `the header ${quote(header)} is filled in by the host`);
      all.set(header.toLowerCase(), await vault.reveal(call.pluginId, secret));
    }
    return all;
  }

  async function fetchOnce(
    call: ServiceCall,
    wanted: Fetch,
    signal: AbortSignal,
  ): Promise<Awaited<ReturnType<typeof exchange>>> {
    const right = await verifyRight(call, wanted);
    using held = holdAll(call, right.wanted);
    const limit = amountOf(right, "bytesPerDay");
    const used = await dailyBytes.of(call.pluginId);
    // Headers count too: they carry data as well as a body does.
    const inHeaders = [...wanted.headers].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const sent = wanted.url.href.length + inHeaders + (wanted.body?.length ?? 0);
    let received = 0;
    spend(used, sent, limit);
    try {
      const headers = await headersWithSecrets(call, wanted, right.secretHeaders);
      held.verify();
      return await exchange({
        ...wanted,
        headers,
        privateHosts: right.privateHosts,
        resolve,
        signal: AbortSignal.any([signal, held.signal]),
        onBytes(count) {
          held.verify();
          if (received + count > MAX_ANSWER_BYTES)
            throw new HostError(
              "BROKER_QUOTA_EXCEEDED",
              `network.fetch: the answer has more than ${MAX_ANSWER_BYTES} bytes`,
            );
          spend(used, count, limit);
          received += count;
        },
      });
    } catch (error) {
      held.verify();
      throw error;
    } finally {
      await dailyBytes.save(call.pluginId, sent + received);
    }
  }

  return {
    name: "network",
    methods: methodTable(
      {},
      {
        async fetch(call, request, effectKey) {
          const signal = AbortSignal.any([call.signal(), AbortSignal.timeout(TIMEOUT_MS)]);
          const follow = request["redirect"] !== "manual";
          let wanted: Fetch = { ...fetchOf(request), effectKey };
          for (let hops = 0; ; hops += 1) {
            const answer = await fetchOnce(call, wanted, signal);
            const { location } = answer.headers;
            if (!follow || location === undefined || !REDIRECTS.has(answer.status)) {
              return {
                url: wanted.url.href,
                status: answer.status,
                headers: plainHeaders(answer.headers),
                body: answer.body,
              };
            }
            if (hops === MAX_REDIRECTS)
              throw new HostError("BROKER_NETWORK_FAILED", `network.fetch: more than ${MAX_REDIRECTS} redirects`);
            wanted = redirected(wanted, location, answer.status);
          }
        },
      },
    ),
    release: (pluginId) => dailyBytes.forget(pluginId),
  };
}

/** Before anything is noted or looked up: a name is words, and the one who answers for it reads them. */
function verifyMayLeaveTo({ label: { current: label } }: ServiceCall, host: string): void {
  if (label !== undefined && !mayLeaveTo(label, host))
    throw labelDenied("network.fetch", label, `${quote(host)} is none of these`);
}

function fetchOf(request: ServiceRequest): Omit<Fetch, "effectKey"> {
  const refuse = (what: string): never => {
    throw requestInvalid("network.fetch", what);
  };
  const { url, method = "GET", headers = {}, body } = request;
  const known =
    METHODS.find((each) => each === method) ??
    refuse(`expected a method among ${METHODS.join(", ")}, found ${quote(method)}`);
  // Bytes would be taken apart one by one, millions of them, before the first is refused.
  if (typeof headers !== "object" || headers === null || Array.isArray(headers) || ArrayBuffer.isView(headers))
    refuse("expected the headers to be an object");
  const pairs = Object.entries(headers as object);
  if (pairs.length > MAX_HEADERS) refuse(`expected at most ${MAX_HEADERS} headers, each once`);
  const entries = pairs.map(([name, value]): [string, string] => {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name) || RESERVED.test(lower)) refuse(`the header ${quote(name)} is not the plugin's to set`);
    if (typeof value !== "string" || value.length > MAX_HEADER_VALUE || !HEADER_VALUE.test(value))
      refuse(`the header ${quote(name)} has a value that headers cannot carry`);
    return [lower, String(value)];
  });
  if (new Set(entries.map(([name]) => name)).size !== entries.length)
    refuse(`expected at most ${MAX_HEADERS} headers, each once`);
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) refuse("expected the body to be text or bytes");
  if (bytes instanceof Uint8Array && bytes.length > MAX_BODY_BYTES)
    refuse(`the body has ${bytes.length} bytes, at most ${MAX_BODY_BYTES} are sent`);
  const sent = bytes instanceof Uint8Array ? bytes : undefined;
  if (sent !== undefined && (known === "GET" || known === "HEAD")) refuse(`a ${known} request has no body`);
  return { url: parseUrl(url), method: known, headers: new Map(entries), body: sent };
}

/** WHATWG parsing turns every spelling of an address (decimal, octal, hexadecimal) into the one that is checked. */
function parseUrl(value: unknown, base?: URL): URL {
  const refuse = (what: string): never => {
    throw requestInvalid("network.fetch", what);
  };
  if (typeof value !== "string" || value.length > MAX_URL) return refuse("expected a URL of at most 8,192 characters");
  const url = URL.parse(value, base?.href);
  if (url === null) return refuse(`expected a URL, found ${quote(value)}`);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return refuse(`expected https or http, found ${quote(url.protocol)}`);
  if (url.username !== "" || url.password !== "") return refuse("a URL must not carry credentials");
  url.hash = "";
  return url;
}

/** RFC 9110, section 15.4: a redirect may turn POST into GET; 303 always does. */
function redirected({ url, method, headers, body, effectKey }: Fetch, location: string, status: number): Fetch {
  const next = parseUrl(location, url);
  const becomesGet = status === 303 ? method !== "HEAD" : method === "POST" && (status === 301 || status === 302);
  const kept = [...headers].filter(
    ([name]) => (next.origin === url.origin || !CREDENTIALS.has(name)) && !(becomesGet && name.startsWith("content-")),
  );
  return {
    url: next,
    method: becomesGet ? "GET" : method,
    headers: new Map(kept),
    body: becomesGet ? undefined : body,
    // The key is for whom the request was meant.
    effectKey: next.origin === url.origin ? effectKey : undefined,
  };
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return plain;
}
