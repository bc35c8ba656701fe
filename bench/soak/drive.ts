import { setTimeout as sleep } from "node:timers/promises";

import { isCodedError } from "@berth/base";
import type { Host } from "@berth/host";

import type { HonestPlugin, HostilePlugin } from "./plugins.ts";
import type { Random } from "./random.ts";

const HONEST_LOOPS = 4;
const HOSTILE_LOOPS = 3;
const MAX_LOSSES_TOLD = 20;

/**
 * What an honest call at minimal may hear: there plugins of all publishers share a process, and it can be lost to one
 * of them. Every other failure, and any failure at another level, is an honest call lost.
 */
export const PERMITTED_BESIDE: ReadonlySet<string> = new Set(["SANDBOX_NEIGHBOUR", "SANDBOX_CRASHED"]);

export interface Loss {
  readonly plugin: string;
  readonly action: string;
  readonly why: string;
}

/** What happened to whom. */
export interface Tally {
  honestMade: number;
  honestLost: number;
  /** Failed at minimal, with a code that says so. */
  honestLostBeside: number;
  readonly losses: Loss[];
  /** Milliseconds of each honest call that was answered. */
  readonly latencies: number[];
  hostileMade: number;
  /** By level and code. */
  readonly outcomes: Map<string, Map<string, number>>;
  /** How often a hostile plugin was let out of quarantine. */
  released: number;
}

export const makeTally = (): Tally => ({
  honestMade: 0,
  honestLost: 0,
  honestLostBeside: 0,
  losses: [],
  latencies: [],
  hostileMade: 0,
  outcomes: new Map(),
  released: 0,
});

const codeOf = (error: unknown): string => (isCodedError(error) ? error.code : `no code: ${String(error)}`);

/** Calls both sides at random until the time is over; ends when every call has ended. */
export async function drive(
  host: Host,
  { honest, hostile }: { honest: readonly HonestPlugin[]; hostile: readonly HostilePlugin[] },
  random: Random,
  isOver: () => boolean,
  tally: Tally,
): Promise<void> {
  const callHonest = async (): Promise<void> => {
    while (!isOver()) {
      const plugin = random.pick(honest);
      const call = random.pick(plugin.calls);
      tally.honestMade += 1;
      const startedAt = performance.now();
      try {
        await call.run(host, plugin.id, random, tally.honestMade);
        tally.latencies.push(performance.now() - startedAt);
      } catch (error) {
        noteLoss(plugin, call.action, error);
      }
      await sleep(random.below(10));
    }
  };
  const noteLoss = ({ id, level }: HonestPlugin, action: string, error: unknown): void => {
    if (level === "minimal" && PERMITTED_BESIDE.has(codeOf(error))) {
      tally.honestLostBeside += 1;
      return;
    }
    tally.honestLost += 1;
    const why = error instanceof Error ? `${codeOf(error)}: ${error.message}`.slice(0, 300) : String(error);
    if (tally.losses.length < MAX_LOSSES_TOLD) tally.losses.push({ plugin: id, action, why });
  };
  const attacks = hostile.flatMap((plugin) => plugin.actions.map((each) => ({ plugin, ...each })));
  const callHostile = async (): Promise<void> => {
    while (!isOver()) {
      const { plugin, action, input } = random.pick(attacks);
      // Some callers leave, some plugins are unloaded or switched off while they are at work.
      const fate = random.below(100);
      const signal = fate < 12 ? AbortSignal.timeout(1 + random.below(300)) : undefined;
      const meddling = fate < 70 ? undefined : meddle(plugin.id, fate);
      tally.hostileMade += 1;
      let ending = "answers";
      try {
        await host.call(plugin.id, action, input, signal === undefined ? {} : { signal });
      } catch (error) {
        ending = codeOf(error);
      }
      await meddling;
      count(plugin.level, ending);
      // In quarantine, or switched off: a person would think twice.
      if (ending === "HOST_PLUGIN_NOT_ENABLED") await release(plugin.id);
    }
  };
  const meddle = async (id: string, fate: number): Promise<void> => {
    await sleep(random.below(200));
    if (fate >= 97) await host.disable(id).catch(() => undefined); // Refused in quarantine, which is as good.
    else await host.unload(id);
  };
  const release = async (id: string): Promise<void> => {
    tally.released += 1;
    await host.enable(id);
  };
  const count = (level: string, ending: string): void => {
    const ofLevel = tally.outcomes.get(level) ?? new Map<string, number>();
    ofLevel.set(ending, (ofLevel.get(ending) ?? 0) + 1);
    tally.outcomes.set(level, ofLevel);
  };
  await Promise.all([
    ...Array.from({ length: HONEST_LOOPS }, callHonest),
    ...Array.from({ length: HOSTILE_LOOPS }, callHostile),
  ]);
}
