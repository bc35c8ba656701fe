import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { GraphConsent, GraphPlan, Host, HostOptions } from "@berth/host";
import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import type { FileServer, MadeRelease, ReleaseParts } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";
import type { PrivateKey } from "@berth/trust";

const keys = new Map<string, PrivateKey>();

/** The one key of a publisher in these tests. */
export function keyOf(publisher: string): PrivateKey {
  let key = keys.get(publisher);
  if (key === undefined) keys.set(publisher, (key = generatePublisherKey()));
  return key;
}

type Needs = Readonly<Record<string, string | { range: string; lazy: boolean }>>;

/** A release, in words: `release("acme.a", "1.0.0", { "acme.b": "^1" })`. */
export function release(
  id: string,
  version = "1.0.0",
  dependencies: Needs = {},
  parts: Partial<ReleaseParts> = {},
): MadeRelease {
  const key = keyOf(id.split(".")[0] ?? "");
  return makeRelease({ id, version, key, ...parts, manifest: { dependencies, ...parts.manifest } });
}

/** Ten plugins that need each other in layers; `acme.top` needs all of them. */
export function graphOfTen(): MadeRelease[] {
  return [
    release("acme.top", "1.0.0", { "acme.left": "^1", "acme.right": "^1", "acme.own": "^1" }),
    release("acme.left", "1.2.0", { "acme.core": "^2", "acme.text": "^1" }),
    release("acme.right", "1.0.0", { "acme.core": "^2", "beta.table": "^1" }),
    release("acme.own"),
    release("acme.core", "2.1.0", { "beta.base": "*" }),
    release("acme.text", "1.0.0", { "beta.words": "^1" }),
    release("beta.table", "1.0.0", { "beta.base": "^1" }),
    release("beta.words", "1.0.0", { "beta.base": "^1", "beta.marks": "^1" }),
    release("beta.marks"),
    release("beta.base"),
  ];
}

export interface World {
  readonly host: Host<string>;
  readonly dataDir: string;
  readonly files: RegistryFiles;
  readonly server: FileServer;
}

/** A host that knows one registry with these releases. */
export async function withWorld(
  releases: readonly MadeRelease[],
  work: (world: World) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-graph-"));
  const files = new RegistryFiles().publish(...releases);
  const server = await serveFiles(files.files);
  const host = await openHost<string>({ dataDir, engines: [isolate()], ...options });
  try {
    await host.registries.add({ name: "tests", url: server.url });
    await work({ host, dataDir, files, server });
  } finally {
    await host.close();
    await server.close();
    await rm(dataDir, { recursive: true });
  }
}

/** Agrees to everything that a plan asks for. */
export function agree(plan: GraphPlan): GraphConsent {
  return {
    grants: Object.fromEntries(
      plan.members.map(({ manifest, permissions }) => [manifest.id, permissions.map(({ permission }) => permission)]),
    ),
    trustKeys: plan.members.map(({ signer }) => signer.keyId),
    confirmedScans: plan.members.map(({ manifest }) => manifest.id),
    downgrades: plan.members.map(({ manifest }) => manifest.id),
  };
}

/** Installs with consent to everything; gives what was installed, in order. */
export async function installGraph(host: Host<string>, plugins: Readonly<Record<string, string>>): Promise<string[]> {
  const plan = await host.planGraph({ plugins });
  await host.installGraph(plan, agree(plan));
  return plan.members.map(({ manifest }) => `${manifest.id} ${manifest.version}`);
}

export async function versionsOf(host: Host<string>): Promise<Record<string, string>> {
  return Object.fromEntries((await host.list()).map(({ id, version }) => [id, version]));
}

export const code =
  (expected: string, ...words: readonly (string | RegExp)[]) =>
  (error: unknown): boolean => {
    const { code: found, message } = error as { code?: string; message: string };
    if (found !== expected) throw new Error(`expected ${expected}, found ${found}: ${message}`, { cause: error });
    for (const word of words) {
      if (typeof word === "string" ? !message.includes(word) : !word.test(message))
        throw new Error(`expected ${word} in ${message}`, { cause: error });
    }
    return true;
  };
