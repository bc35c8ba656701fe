import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { packPackage, replaceEnvelopes } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import { RELEASE_ENVELOPE, openHost } from "@berth/host";
import type { Host, HostOptions } from "@berth/host";
import { generatePublisherKey, signRelease } from "@berth/trust";
import type { PrivateKey } from "@berth/trust";

export const key = generatePublisherKey();

const CODE = `var berthPlugin = { actions: {
  echo: (value) => value,
  async remember(value, ctx) { await ctx.user.storage.put("k", value); return ctx.user.storage.get("k"); },
  async recall(value, ctx) { return (await ctx.user.storage.get("k")) ?? null; },
  async share(value, ctx) { if (value !== null) await ctx.storage.put("k", value); return (await ctx.storage.get("k")) ?? null; },
  async keys(value, ctx) { return (await ctx.storage.list(value)).keys; },
  async fill(value, ctx) { for (let i = 0; i < value; i++) await ctx.storage.put("f" + i, "x".repeat(100000)); return null; },
  lies: () => "a text where a number was promised",
  loop() { for (;;); },
} };`;

const any = { input: true, output: true };

export interface MadePackage {
  readonly version?: string;
  readonly id?: string;
  readonly manifest?: object;
  readonly code?: string;
  /** In place of the code, for other runtimes. */
  readonly entry?: { readonly path: string; readonly bytes: Uint8Array };
  readonly signWith?: PrivateKey | null;
  readonly time?: string;
  /** Binds the statement to this trust domain. */
  readonly repository?: string;
}

/** A signed package of a small plugin; any part may be another. */
export function makePackage({
  version = "1.0.0",
  id = "acme.demo",
  manifest = {},
  code = CODE,
  entry = { path: "plugin.js", bytes: new TextEncoder().encode(code) },
  signWith = key,
  time = "2026-01-01T00:00:00.000Z",
  repository,
}: MadePackage = {}): Uint8Array {
  const full = {
    id,
    version,
    displayName: "Demo",
    description: "A plugin of the tests.",
    license: "MIT",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: {
      actions: {
        echo: any,
        remember: any,
        recall: any,
        share: any,
        keys: any,
        fill: any,
        loop: any,
        lies: { input: true, output: { type: "number" } },
      },
    },
    limits: { cpuMs: 1_500, wallMs: 20_000 },
    ...manifest,
  };
  const encoder = new TextEncoder();
  const { bytes, contentDigest } = packPackage({
    files: [{ path: "manifest.json", bytes: encoder.encode(JSON.stringify(full)) }, entry],
  });
  if (signWith === null) return bytes;
  const statement = { plugin: id, version, contentDigest, time, ...(repository !== undefined && { repository }) };
  return replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, signRelease(statement, signWith)]]));
}

/** A host on a folder of its own, gone afterwards. Without spare processes: most tests end before one is of use. */
export async function withHost(
  work: (host: Host<string>, dataDir: string) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-"));
  const usual = { dataDir, engines: [isolate()], partitionOf: (user: string) => user, spares: 0 };
  const host = await openHost<string>({ ...usual, ...options });
  try {
    await work(host, dataDir);
  } finally {
    await host.close();
    await rm(dataDir, { recursive: true });
  }
}

/** Installs with consent to everything that is asked. */
export async function install(host: Host<string>, bytes = makePackage()): Promise<void> {
  const plan = await host.plan(bytes);
  await host.install(plan, {
    grant: plan.permissions.map(({ permission }) => permission),
    trustKey: plan.signer.keyId,
  });
}
