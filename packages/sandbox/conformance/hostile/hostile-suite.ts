import test from "node:test";

import type { SecurityLevel } from "@berth/spec";

import type { EngineDescriptor } from "../../src/engine.ts";
import type { Attack } from "./attack.ts";
import { ATTACKS } from "./attacks.ts";
import { Stage } from "./stage.ts";

export interface HostileSuiteOptions {
  /** Attacks by kind. Default: those in JavaScript. */
  readonly attacks?: Readonly<Record<string, readonly Attack[]>>;
  /** The bundle of neighbours, with an action `echo`. Default: one in JavaScript. */
  readonly honest?: Uint8Array;
  /** Why the level cannot be had here. */
  readonly skip?: string | false;
  /**
   * Kinds of attacks that are played in full. Of the others only those are that concern every level: what the engine
   * alone bears is the same at all of its levels. Default: all kinds.
   */
  readonly inFull?: readonly string[];
}

/** Plays the attacks on one stage; of each it asserts what becomes of attacker, neighbours and embedding process. */
export function hostileSuite(
  engine: EngineDescriptor,
  level: SecurityLevel,
  { skip = false, attacks = ATTACKS, honest, inFull = Object.keys(attacks) }: HostileSuiteOptions = {},
): void {
  const title = `${engine.name} at ${level}, hostile`;
  if (skip !== false) return void test(title, { skip }, () => {});
  let stage: Stage | undefined;
  let longestMs = 0;
  for (const [kind, list] of Object.entries(attacks)) {
    for (const attack of list) {
      if (!inFull.includes(kind) && attack.isForEveryLevel !== true) continue;
      const { skip: why = false, ends = attack.ends } = attack.elsewhere?.[engine.name] ?? {};
      test(`${title}, ${kind}: ${attack.name}`, { skip: why }, async (t) => {
        stage ??= new Stage(engine, level, honest);
        const stallMs = await stage.play(kind, { ...attack, ends });
        longestMs = Math.max(longestMs, stallMs);
        t.diagnostic(`longest stall of the embedding event loop: ${stallMs.toFixed(1)} ms`);
      });
    }
  }
  test(`${title}: no process, no descriptor and no changed setting of the machine is left behind`, async (t) => {
    t.diagnostic(`longest stall of the embedding event loop in all attacks: ${longestMs.toFixed(1)} ms`);
    await stage?.close();
  });
}
