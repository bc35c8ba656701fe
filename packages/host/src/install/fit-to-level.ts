import type { EngineDescriptor } from "@berth/sandbox";
import { DEFAULT_LIMITS, LIMIT_CEILINGS, SECURITY_LEVELS } from "@berth/spec";
import type { Limits, Manifest, SecurityLevel } from "@berth/spec";

import { HostError } from "../errors.ts";

const LIMIT_NAMES = ["memoryMiB", "cpuMs", "wallMs"] as const;

/**
 * The engine that runs a plugin at a level, and the plugin's limits there.
 *
 * @throws HostError HOST_STREAM_UNSUPPORTED, HOST_RUNTIME_UNSUPPORTED, HOST_LIMITS_TOO_HIGH; their hint names the levels that would do
 */
export function fitToLevel(
  manifest: Manifest,
  level: SecurityLevel,
  engines: readonly EngineDescriptor[],
): { readonly engine: EngineDescriptor; readonly limits: Limits } {
  const { kind } = manifest.runtime;
  const engine = findEngine(manifest, level, engines);
  const limits = limitsOf(manifest);
  if (engine === undefined) {
    const offered = engines.flatMap(({ runtimes, levels }) =>
      runtimes.flatMap((each) => levels.map((at) => `${each} at ${at}`)),
    );
    throw new HostError(
      "HOST_RUNTIME_UNSUPPORTED",
      `${manifest.id} needs ${kind} at level ${level}; this host runs ${offered.join(", ") || "nothing"}`,
      hintOf(manifest, level, engines),
    );
  }
  const streaming = Object.entries(manifest.contributes.actions).find(([, { streams }]) => streams === true);
  if (streaming !== undefined && engine.streams !== true)
    throw new HostError(
      "HOST_STREAM_UNSUPPORTED",
      `${manifest.id} ${streaming[0]} streams, and plugins of kind ${kind} cannot`,
    );
  const name = limitAbove(limits, level);
  if (name === undefined) return { engine, limits };
  throw new HostError(
    "HOST_LIMITS_TOO_HIGH",
    `${manifest.id} asks for ${name} ${limits[name]}; level ${level} gives at most ${LIMIT_CEILINGS[level][name]}`,
    hintOf(manifest, level, engines),
  );
}

const findEngine = (
  { runtime: { kind } }: Manifest,
  level: SecurityLevel,
  engines: readonly EngineDescriptor[],
): EngineDescriptor | undefined =>
  engines.find(({ runtimes, levels }) => runtimes.includes(kind) && levels.includes(level));

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
    (level) =>
      findEngine(manifest, level, engines) !== undefined && limitAbove(limitsOf(manifest), level) === undefined,
  );
  if (fitting.length === 0) return {};
  const who = asked === manifest.level ? "The manifest" : "The operator's policy";
  return { hint: `It would run at ${fitting.join(", ")}. ${who} asks for ${asked}.` };
}
