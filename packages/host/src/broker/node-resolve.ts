import { Resolver, lookup } from "node:dns/promises";

import type { Resolve } from "./http-exchange.ts";

const TIMEOUT_MS = 5_000;

/**
 * Addresses of public names come from DNS alone, asked for beside the thread pool that the embedding program's own
 * files and look-ups wait for: a plugin chooses the names, and whoever answers for them how long that takes. Private
 * hosts are the operator's, who may have written them into the machine's own tables.
 *
 * @param servers addresses of DNS servers, as `dns.setServers` takes them; default: the machine's
 */
export function makeResolve(privateHosts: ReadonlySet<string>, servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  return async (host) => {
    if (privateHosts.has(host)) return lookup(host, { all: true });
    const [six, four] = await Promise.allSettled([resolver.resolve6(host), resolver.resolve4(host)]);
    if (six.status === "rejected" && four.status === "rejected") throw four.reason;
    const found = [
      ...(four.status === "fulfilled" ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === "fulfilled" ? six.value.map((address) => ({ address, family: 6 })) : []),
    ];
    return found;
  };
}
