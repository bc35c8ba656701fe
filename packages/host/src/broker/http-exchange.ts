import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";

import { isCodedError, quote } from "@berth/base";

import { HostError } from "../errors.ts";
import { isPublicAddress } from "./public-address.ts";

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** One request to one address, without redirects. */
export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array | undefined;
  /** Hosts that may have addresses outside the public internet, because the operator says so. */
  readonly privateHosts: ReadonlySet<string>;
  readonly resolve: Resolve;
  readonly signal: AbortSignal;
  /** Called before bytes are taken in; throws to end the exchange. */
  readonly onBytes: (count: number) => void;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const MAX_HEADER_BYTES = 32_768;

/**
 * Resolves the host, checks every address, and talks to an address that was checked: what a second look-up
 * would answer makes no difference.
 *
 * @throws HostError BROKER_ADDRESS_DENIED, BROKER_NETWORK_FAILED; whatever `onBytes` throws
 */
export async function exchange(wanted: Exchange): Promise<ExchangeAnswer> {
  const { url, signal } = wanted;
  const addresses = await checkedAddresses(wanted);
  const lookup: LookupFunction = (_host, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? "", first?.family);
  };
  // Agents of our own: the shared one may have been told by the environment to use a proxy, or to trust anybody.
  const isSecure = url.protocol === "https:";
  // Loaded with the first request: most plugins send none.
  const [http, https] = [process.getBuiltinModule("node:http"), process.getBuiltinModule("node:https")];
  const agent = isSecure
    ? new https.Agent({ keepAlive: false, rejectUnauthorized: true })
    : new http.Agent({ keepAlive: false });
  const options: RequestOptions = {
    agent,
    lookup,
    signal,
    method: wanted.method,
    headers: Object.fromEntries(wanted.headers),
    maxHeaderSize: MAX_HEADER_BYTES,
    setDefaultHeaders: true,
  };
  try {
    return await new Promise<ExchangeAnswer>((resolve, reject) => {
      let isAnswered = false;
      const outgoing = (isSecure ? https : http).request(url, options, (incoming) => {
        isAnswered = true;
        takeAnswer(incoming, wanted.onBytes).then(
          (body) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
          reject,
        );
      });
      outgoing.on("error", reject);
      // An answer that turns into another protocol is neither an answer to Node nor an error.
      outgoing.on("close", () => {
        if (!isAnswered) reject(new Error("the connection ended without an answer"));
      });
      outgoing.end(wanted.body);
    });
  } catch (error) {
    if (isCodedError(error)) throw error;
    const reason = signal.aborted ? "it took too long, or the call has ended" : reasonOf(error);
    throw new HostError("BROKER_NETWORK_FAILED", `network.fetch: ${quote(url.host)} could not be reached: ${reason}`, {
      cause: error,
    });
  } finally {
    agent.destroy();
  }
}

async function takeAnswer(incoming: IncomingMessage, onBytes: (count: number) => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  try {
    onBytes(incoming.rawHeaders.reduce((sum, text) => sum + text.length, 0));
    for await (const part of incoming as AsyncIterable<Buffer>) {
      onBytes(part.length);
      parts.push(part);
    }
  } finally {
    incoming.destroy();
  }
  return new Uint8Array(Buffer.concat(parts));
}

async function checkedAddresses({
  url,
  resolve,
  privateHosts,
  signal,
}: Exchange): Promise<readonly { readonly address: string; readonly family: number }[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  let addresses: Awaited<ReturnType<Resolve>>;
  try {
    addresses = family === 0 ? await unlessAborted(resolve(host), signal) : [{ address: host, family }];
  } catch (error) {
    throw new HostError("BROKER_NETWORK_FAILED", `network.fetch: the name ${quote(host)} has no address`, {
      cause: error,
    });
  }
  const refused = addresses.find(({ address }) => !isPublicAddress(address));
  // One private address among public ones is refused too: nobody knows which would be taken.
  if (addresses.length === 0 || (refused !== undefined && !privateHosts.has(host))) {
    throw new HostError(
      "BROKER_ADDRESS_DENIED",
      `network.fetch: ${quote(host)} is not on the public internet, and the policy does not name it`,
    );
  }
  return addresses;
}

/** Nobody can end a look-up, but nobody has to wait for it. */
async function unlessAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([value, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "the connection failed";
