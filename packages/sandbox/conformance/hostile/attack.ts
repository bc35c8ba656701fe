import type { Limits } from "@berth/spec";

import type { BrokerRequest } from "../../src/compartment-plan.ts";
import type { EngineDescriptor } from "../../src/engine.ts";
import type { SandboxErrorCode } from "../../src/errors.ts";
import type { OpenPlugin } from "../open-plugin.ts";

/** How an attack's call may end. */
export type Ending = SandboxErrorCode | "answers";

/**
 * One thing that a hostile plugin does from inside its engine. Whatever it is, the embedding process goes on, the
 * attacker's next call finds it afresh, and neighbours answer: the suite asserts that of every attack.
 */
export interface Attack {
  readonly name: string;
  /** Source of the function that is called, `(value, ctx) => …`; with `module` the name of its export. */
  readonly action: string;
  /** The bundle, for engines whose bundles are not text. */
  readonly module?: Uint8Array;
  /** Source that runs while the plugin is loaded, before it is defined. */
  readonly top?: string;
  readonly input?: unknown;
  /** Every way in which the call may end. Nothing else passes. */
  readonly ends: readonly Ending[];
  /** What it answers where it answers; left out, anything. */
  readonly answer?: unknown;
  readonly limits?: Partial<Limits>;
  /** Engines, by name, at which it does not exist or ends otherwise. */
  readonly elsewhere?: Readonly<Record<string, { readonly skip?: string; readonly ends?: readonly Ending[] }>>;
  /** The broker, as seen by this plugin. */
  readonly respond?: (request: BrokerRequest) => Promise<unknown>;
  /**
   * It is the process, the wall or the neighbours that bear it, not the engine alone: run at every level, others at
   * one level of each engine.
   */
  readonly isForEveryLevel?: boolean;
  /** What the embedding side does, where more is needed than one call; asserts by itself. */
  readonly play?: (scene: Scene) => Promise<void>;
}

/** An attacker in its place. */
export interface Scene {
  readonly engine: EngineDescriptor;
  /** Its actions are `attack` and `echo`, and those that `top` puts into `more`. */
  readonly attacker: OpenPlugin;
  /**
   * Opens another plugin in the attacker's process, where the engine lets processes be shared: the bundle of neighbours
   * itself where bundles are not text.
   */
  readonly openCellmate: (more?: { readonly top?: string; readonly limits?: Limits }) => OpenPlugin;
}

/** For loops: on a busy machine little CPU time takes long, and the wall time must not come first. */
export const HOSTILE_LIMITS: Limits = { memoryMiB: 32, cpuMs: 250, wallMs: 30_000 };

/** For attacks on memory and stacks, which need CPU time to get there. */
export const PATIENT: Partial<Limits> = { cpuMs: 1_500 };

/** For calls that wait without end. */
export const SHORT: Partial<Limits> = { cpuMs: 2_000, wallMs: 400 };

export const attack = (name: string, action: string, ends: readonly Ending[], more: Partial<Attack> = {}): Attack => ({
  name,
  action,
  ends,
  ...more,
});

/** Marks those whose names are given as for every level. */
export const forEveryLevel = (names: readonly string[], attacks: readonly Attack[]): readonly Attack[] =>
  attacks.map((each) => (names.includes(each.name) ? { ...each, isForEveryLevel: true } : each));

/** The bundle of an attack in JavaScript. */
export const bundleOf = ({ top = "", action }: Pick<Attack, "top" | "action">): string =>
  `var more = {};\n${top}\nvar berthPlugin = { actions: { ...more, attack: ${action}, echo: (value) => value } };`;
