import { nodePowers, parseRegistryUrl, RegistryClient } from "@berth/client";
import type { RegistryClientOptions } from "@berth/client";
import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import type { FileServer, MadeRelease } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

export const key = generatePublisherKey();
export const demo = makeRelease({ id: "acme.demo", key });

export interface World {
  readonly files: RegistryFiles;
  readonly server: FileServer;
  /** A client of its own for every question, so that nothing is remembered but what options hand on. */
  readonly client: (options?: Partial<RegistryClientOptions>) => RegistryClient;
}

/** A registry with one plugin, and clients that never pause long between attempts. */
export async function withRegistry(
  work: (world: World) => Promise<void>,
  releases: readonly MadeRelease[] = [demo],
): Promise<void> {
  const files = new RegistryFiles().publish(...releases);
  const server = await serveFiles(files.files);
  const powers = nodePowers();
  const quick = { ...powers, sleep: (ms: number, signal: AbortSignal) => powers.sleep(Math.min(ms, 5), signal) };
  try {
    await work({
      files,
      server,
      client: (options) =>
        new RegistryClient({ url: parseRegistryUrl(server.url), powers: quick, timeoutMs: 5_000, ...options }),
    });
  } finally {
    powers[Symbol.dispose]();
    await server.close();
  }
}
