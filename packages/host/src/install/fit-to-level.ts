import { engineMissing } from "@berth/sandbox";
import type { EngineDescriptor } from "@berth/sandbox";
import { DEFAULT_LIMITS, LIMIT_CEILINGS, SECURITY_LEVELS, strongerLevel } from "@berth/spec";
import type { Limits, Manifest, SecurityLevel } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { PluginPolicy } from "../policy.ts";

const LIMIT_NAMES = ["memoryMiB", "cpuMs", "wallMs"] as const;

/** How a plugin must be run. */
export interface Footing {
  readonly level: SecurityLevel;
  /** Whether every call begins with the state that loading left. Always so at strict. */
  readonly isFresh: boolean;
}

/** What manifest and policy say together. Freshness is no wall: whoever says strict keeps it at isolated too. */
export const footingOf = ({ level }: Manifest, policy: Pick<PluginPolicy, "level" | "isFresh">): Footing => ({
  level: strongerLevel(level, policy.level),
  isFresh: level === "strict" || policy.isFresh,
});

/**
 * The engine that runs a plugin on such a footing, and the plugin's limits there. An engine that is fresh by itself
 * comes first where freshness is wanted, and last where it is not.
 *
 * @throws HostError HOST_STREAM_UNSUPPORTED, HOST_RUNTIME_UNSUPPORTED, HOST_LIMITS_TOO_HIGH; their hint names the levels that would do;
 *   SandboxError SANDBOX_ENGINE_MISSING
 */
export function fitToLevel(
  manifest: Manifest,
  { level, isFresh }: Footing,
  engines: readonly EngineDescriptor[],
): { readonly engine: EngineDescriptor; readonly limits: Limits } {
  const { kind } = manifest.runtime;
  const fitting = enginesFor(manifest, level, engines);
  const engine = fitting.find((each) => (each.isFresh === true) === isFresh) ?? fitting[0];
  const limits = limitsOf(manifest);
  if (engine === undefined) {
    const lost = serving(manifest, level, engines).find(({ missing }) => missing !== undefined);
    if (lost?.missing !== undefined)
      throw engineMissing(lost.name, lost.missing, `${manifest.id} needs ${kind} at level ${level}`);
    const offered = engines.flatMap(({ runtimes, levels }) =>
      runtimes.flatMap((each) => levels.map((at) => `${each} at ${at}`)),
    );
    throw new HostError(
      "HOST_RUNTIME_UNSUPPORTED",
      `${manifest.id} needs ${kind} at level ${level}; this host runs ${offered.join(", ") || "nothing"}`,
      hintOf(manifest, level, engines),
    );
  }
  // Only where it matters: what a stored manifest contributes is not at hand (`stored-manifest.ts`).
  const streaming = engine.streams === true ? undefined : firstStreaming(manifest);
  if (streaming !== undefined)
    throw new HostError(
      "HOST_STREAM_UNSUPPORTED",
      `${manifest.id} ${streaming} streams, and plugins of kind ${kind} cannot`,
    );
  const name = limitAbove(limits, level);
  if (name === undefined) return { engine, limits };
  throw new HostError(
    "HOST_LIMITS_TOO_HIGH",
    `${manifest.id} asks for ${name} ${limits[name]}; level ${level} gives at most ${LIMIT_CEILINGS[level][name]}`,
    hintOf(manifest, level, engines),
  );
}

const firstStreaming = ({ contributes: { actions } }: Manifest): string | undefined =>
  Object.keys(actions).find((name) => actions[name]?.streams === true);

const serving = (
  { runtime: { kind } }: Manifest,
  level: SecurityLevel,
  engines: readonly EngineDescriptor[],
): EngineDescriptor[] => engines.filter(({ runtimes, levels }) => runtimes.includes(kind) && levels.includes(level));

const enginesFor = (...needed: Parameters<typeof serving>): EngineDescriptor[] =>
  serving(...needed).filter(({ missing }) => missing === undefined);

const limitAbove = (limits: Limits, level: SecurityLevel): (typeof LIMIT_NAMES)[number] | undefined =>
  LIMIT_NAMES.find((name) => limits[name] > LIMIT_CEILINGS[level][name]);

const limitsOf = ({ limits }: Manifest): Limits => ({
  memoryMiB: limits.memoryMiB ?? DEFAULT_LIMITS.memoryMiB,
  cpuMs: limits.cpuMs ?? DEFAULT_LIMITS.cpuMs,
  wallMs: limits.wallMs ?? DEFAULT_LIMITS.wallMs,
});

/** Levels that the plugin accepts and this host has, when the one that was asked for does not do. */
function hintOf(manifest: Manifest, asked: SecurityLevel, engines: readonly EngineDescriptor[]): { hint?: string } {
  const accepted = SECURITY_LEVELS.slice(SECURITY_LEVELS.indexOf(manifest.level));
  const fitting = accepted.filter(
    (level) => enginesFor(manifest, level, engines).length > 0 && limitAbove(limitsOf(manifest), level) === undefined,
  );
  return fitting.length === 0 ? {} : { hint: explainLevels("run", manifest, asked, fitting) };
}

/** Which levels would do in place of the one that somebody asks for. */
export function explainLevels(
  verb: "run" | "load",
  manifest: Manifest,
  asked: SecurityLevel,
  fitting: readonly SecurityLevel[],
): string {
  const who = asked === manifest.level ? "The manifest" : "The operator's policy";
  return `It would ${verb} at ${fitting.join(", ")}. ${who} asks for ${asked}.`;
}
