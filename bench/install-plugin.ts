// Packs, signs and installs a plugin of one file, as its author and its user would.
import { packPackage, replaceEnvelopes } from "@berth/archive";
import { RELEASE_ENVELOPE } from "@berth/host";
import type { Host } from "@berth/host";
import type { SecurityLevel } from "@berth/spec";
import { generatePublisherKey, signRelease } from "@berth/trust";

const KEY = generatePublisherKey();
const VALUE_SCHEMA = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};

/** A plugin whose actions all take and give `{ text }`. */
export interface BenchPlugin {
  readonly id: string;
  readonly level: SecurityLevel;
  readonly code: string;
  readonly actions: readonly string[];
}

export async function installPlugin(host: Host, { id, level, code, actions }: BenchPlugin): Promise<void> {
  const version = "1.0.0";
  const action = { input: VALUE_SCHEMA, output: VALUE_SCHEMA };
  const manifest = {
    id,
    version,
    level,
    displayName: "Benchmark",
    description: "Answers what it got.",
    license: "Apache-2.0",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: { actions: Object.fromEntries(actions.map((name) => [name, action])) },
  };
  const encoder = new TextEncoder();
  const { bytes, contentDigest } = packPackage({
    files: [
      { path: "manifest.json", bytes: encoder.encode(JSON.stringify(manifest)) },
      { path: "plugin.js", bytes: encoder.encode(code) },
    ],
  });
  const envelope = signRelease({ plugin: id, version, contentDigest, time: new Date().toISOString() }, KEY);
  const plan = await host.plan(replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, envelope]])));
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
}
