import { readFileSync } from "node:fs";
import { join } from "node:path";

import { packPackage, replaceEnvelopes } from "@berth/archive";
import { HostError, RELEASE_ENVELOPE } from "@berth/host";
import type { Host } from "@berth/host";
import type { SecurityLevel } from "@berth/spec";
import { generatePublisherKey, signRelease } from "@berth/trust";

import { bundleOf } from "../../packages/sandbox/conformance/hostile/attack.ts";
import type { Attack } from "../../packages/sandbox/conformance/hostile/attack.ts";
import { ATTACKS } from "../../packages/sandbox/conformance/hostile/attacks.ts";
import { HONEST_CODE, HONEST_WASM_CALLS, honestCallsAt } from "./honest-plugins.ts";
import type { HonestCall } from "./honest-plugins.ts";

const FIXTURE = join(import.meta.dirname, "../../engines/wasm/test/fixtures/extism-kit.wasm");
const HOSTILE_WASM_ACTIONS = ["loops", "recurses", "fillsKernel", "readsOutside", "aborts", "grows"];
const HONEST_LIMITS = { memoryMiB: 64, cpuMs: 20_000, wallMs: 120_000 };
const HOSTILE_LIMITS = { memoryMiB: 32, cpuMs: 150, wallMs: 2_000 };
/** One publisher for each side: plugins of one publisher may share a process. */
const KEYS = { honest: generatePublisherKey(), hostile: generatePublisherKey() };

interface Spec {
  readonly side: keyof typeof KEYS;
  readonly name: string;
  readonly level: SecurityLevel;
  readonly kind: "javascript" | "wasm";
  readonly code: string | Uint8Array;
  readonly actions: readonly string[];
}

async function install(host: Host, { side, name, level, kind, code, actions }: Spec): Promise<string> {
  const id = `${side}.${name}`;
  const version = "1.0.0";
  const entry = kind === "wasm" ? "plugin.wasm" : "plugin.js";
  const manifest = {
    id,
    version,
    level,
    displayName: name,
    description: "A plugin of the soak.",
    license: "Apache-2.0",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind, entry },
    capabilities: ["data_processing"],
    contributes: { actions: Object.fromEntries(actions.map((each) => [each, { input: true, output: true }])) },
    limits: side === "honest" ? HONEST_LIMITS : HOSTILE_LIMITS,
  };
  const encoder = new TextEncoder();
  const { bytes, contentDigest } = packPackage({
    files: [
      { path: "manifest.json", bytes: encoder.encode(JSON.stringify(manifest)) },
      { path: entry, bytes: typeof code === "string" ? encoder.encode(code) : code },
    ],
  });
  const envelope = signRelease({ plugin: id, version, contentDigest, time: new Date().toISOString() }, KEYS[side]);
  const plan = await host.plan(replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, envelope]])));
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
  return id;
}

export interface HonestPlugin {
  readonly id: string;
  readonly level: SecurityLevel;
  readonly calls: readonly HonestCall[];
}

export interface HostilePlugin {
  readonly id: string;
  readonly level: SecurityLevel;
  readonly actions: readonly { readonly action: string; readonly input: unknown }[];
}

/** Those that need nothing while they are loaded share one bundle for each kind; the others have one each. */
function hostileSpecs(level: SecurityLevel): (Spec & { readonly inputs: readonly unknown[] })[] {
  const base = { side: "hostile", level, kind: "javascript" } as const;
  const attacks = Object.entries(ATTACKS).flatMap(([kind, list]) => list.map((each) => ({ kind, ...each })));
  const plain = Object.groupBy(
    attacks.filter(({ top }) => top === undefined),
    ({ kind }) => kind,
  );
  const shared = Object.entries(plain).map(([kind, list = []]) => {
    const actions = list.map((_, index) => `a${index}`);
    const members = list.map(({ action }, index) => `a${index}: ${action}`);
    const code = `var more = {}; var berthPlugin = { actions: {\n${members.join(",\n")}\n} };`;
    return { ...base, name: `${kind}-${level}`, code, actions, inputs: list.map(({ input = null }) => input) };
  });
  const alone = attacks.flatMap((each: Attack & { kind: string }, index) =>
    each.top === undefined
      ? []
      : [
          {
            ...base,
            name: `${each.kind}${index}-${level}`,
            code: bundleOf(each),
            actions: ["attack"],
            inputs: [each.input ?? null],
          },
        ],
  );
  return [...shared, ...alone];
}

/** Some attack while they are loaded, and are refused for it before they are installed. */
async function tryInstall(host: Host, spec: Spec): Promise<string | undefined> {
  try {
    return await install(host, spec);
  } catch (error) {
    if (error instanceof HostError && error.code === "HOST_CODE_UNLOADABLE") return undefined;
    throw error;
  }
}

/** Installs both sides at every level. Bytes in inputs do not cross a call by value and are left out. */
export async function installAll(
  host: Host,
  levels: readonly SecurityLevel[],
): Promise<{ honest: HonestPlugin[]; hostile: HostilePlugin[]; refused: number }> {
  const honest: HonestPlugin[] = [];
  const hostile: HostilePlugin[] = [];
  let refused = 0;
  const module = readFileSync(FIXTURE);
  for (const level of levels) {
    for (const name of [`one-${level}`, `two-${level}`]) {
      const calls = honestCallsAt(level);
      const actions = calls.map(({ action }) => action);
      const spec: Spec = { side: "honest", name, level, kind: "javascript", code: HONEST_CODE, actions };
      honest.push({ id: await install(host, spec), level, calls });
    }
    const wasm = { level, kind: "wasm", code: module } as const;
    const actions = HONEST_WASM_CALLS.map(({ action }) => action);
    const id = await install(host, { ...wasm, side: "honest", name: `wasm-${level}`, actions });
    honest.push({ id, level, calls: HONEST_WASM_CALLS });
    const evil = await install(host, {
      ...wasm,
      side: "hostile",
      name: `wasm-${level}`,
      actions: HOSTILE_WASM_ACTIONS,
    });
    hostile.push({ id: evil, level, actions: HOSTILE_WASM_ACTIONS.map((action) => ({ action, input: null })) });
    for (const spec of hostileSpecs(level)) {
      const hostileId = await tryInstall(host, spec);
      if (hostileId === undefined) {
        refused += 1;
        continue;
      }
      const inputs = spec.inputs.map((input) => (JSON.stringify(input)?.includes("bytes") === true ? null : input));
      hostile.push({
        id: hostileId,
        level,
        actions: spec.actions.map((action, index) => ({ action, input: inputs[index] ?? null })),
      });
    }
  }
  return { honest, hostile, refused };
}
