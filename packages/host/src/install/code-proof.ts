import { readPackage } from "@berth/archive";
import { isCodedError } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import { SECURITY_LEVELS, strongerLevel } from "@berth/spec";
import type { SecurityLevel } from "@berth/spec";

import type { Compartments, Trial } from "../call/compartments.ts";
import { HostError } from "../errors.ts";
import { explainLevels, fitToLevel } from "./fit-to-level.ts";
import type { Footing } from "./fit-to-level.ts";
import type { Plan } from "./plan.ts";

/** Releases that are loaded at a time: as many processes at most. */
const TRIALS_AT_A_TIME = 16;

/** How the code of a plugin ends its own loading. What the machine does to it has other codes, and is thrown as it is. */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  "SANDBOX_LOAD_FAILED",
  "SANDBOX_DEADLINE",
  "SANDBOX_CPU",
  "SANDBOX_MEMORY",
  "SANDBOX_CRASHED",
  "SANDBOX_NEIGHBOUR",
  "SANDBOX_PROTOCOL",
  "WIRE_VALUE_TOO_LARGE",
]);

/** Shows that what is about to be installed can be loaded where it is to run. Nothing of it holds any right then. */
export class CodeProof {
  readonly #compartments: Compartments;
  readonly #engines: readonly EngineDescriptor[];

  constructor({ compartments, engines }: { compartments: Compartments; engines: readonly EngineDescriptor[] }) {
    this.#compartments = compartments;
    this.#engines = engines;
  }

  /**
   * Loads the code of each release once, as for a first call: at its level, within the time and memory of its loading.
   * Releases that may share a process share it.
   *
   * @throws HostError HOST_CODE_UNLOADABLE, its hint names the levels that would do; SandboxError for what is the
   *   machine's fault
   */
  async run(plans: readonly Plan[]): Promise<void> {
    for (let at = 0; at < plans.length; at += TRIALS_AT_A_TIME)
      await this.#proveTogether(plans.slice(at, at + TRIALS_AT_A_TIME).map((plan) => ({ plan, trial: trialOf(plan) })));
  }

  async #proveTogether(proofs: readonly { readonly plan: Plan; readonly trial: Trial }[]): Promise<void> {
    const errors = await this.#compartments.tryLoading(proofs.map(({ trial }) => trial));
    for (const [index, { plan, trial }] of proofs.entries()) {
      const first = errors[index];
      if (first === undefined) continue;
      const isSettled = !isOwnFault(first) || isOwnWord(first) || (proofs.length === 1 && !isCrash(first));
      // A neighbour may have ended its process, or the machine: alone in a process it has nobody else to blame.
      const [error] = isSettled ? [first] : await this.#compartments.tryLoading([trial]);
      if (error !== undefined) throw await this.#explain(error, plan, trial);
    }
  }

  async #explain(error: unknown, plan: Plan, trial: Trial): Promise<unknown> {
    if (!isOwnFault(error)) return error;
    const { manifest, level } = plan;
    const levels = await this.#levelsThatDo(plan, trial);
    return new HostError(
      "HOST_CODE_UNLOADABLE",
      `the code of ${manifest.id} ${manifest.version} cannot be loaded at level ${level}: ${error.message}`,
      {
        cause: error,
        details: { ...error.details, reason: error.code, level, levels },
        ...(levels.length > 0 && { hint: explainLevels("load", manifest, level, levels) }),
      },
    );
  }

  /** Levels that the plugin accepts and where its code was loaded in a second try. Each other engine is tried once. */
  async #levelsThatDo(plan: Plan, trial: Trial): Promise<SecurityLevel[]> {
    const { manifest } = plan;
    const loads = new Map<EngineDescriptor | undefined, boolean>([
      [undefined, false],
      [this.#engineAt(plan, plan), false],
    ]);
    const found: SecurityLevel[] = [];
    for (const level of SECURITY_LEVELS.slice(SECURITY_LEVELS.indexOf(manifest.level))) {
      if (level === plan.level) continue;
      const footing = { level, isFresh: level === "strict" || (level === "isolated" && plan.isFresh) };
      const engine = this.#engineAt(plan, footing);
      if (!loads.has(engine)) loads.set(engine, await this.#loadsAt(plan, footing, trial));
      if (loads.get(engine) === true) found.push(level);
    }
    return found;
  }

  /** Below the level that was asked for, an engine is tried behind every wall there is, or not at all. */
  async #loadsAt(plan: Plan, footing: Footing, { code }: Trial): Promise<boolean> {
    const isWeaker = strongerLevel(footing.level, plan.level) !== footing.level;
    const walled: Footing = isWeaker ? { ...footing, level: "isolated" } : footing;
    if (this.#engineAt(plan, walled) !== this.#engineAt(plan, footing)) return false;
    const [error] = await this.#compartments.tryLoading([{ facts: { ...plan, ...walled }, code }]);
    return error === undefined;
  }

  #engineAt({ manifest }: Plan, footing: Footing): EngineDescriptor | undefined {
    try {
      return fitToLevel(manifest, footing, this.#engines).engine;
    } catch (error) {
      if (isCodedError(error)) return undefined; // Said when the plan was made, if it concerns the level asked for.
      throw error;
    }
  }
}

/** The plan's bytes were compared with its digests when it was made. */
function trialOf(plan: Plan): Trial {
  const { entry } = plan.manifest.runtime;
  const { files } = readPackage(plan.packageBytes);
  const bundle = files.get(entry)?.bytes ?? new Uint8Array();
  return { facts: plan, code: { bundle, sourceMap: files.get(`${entry}.map`)?.bytes } };
}

const isOwnFault = (error: unknown): error is Error & { code: string; details?: Record<string, unknown> } =>
  isCodedError(error) && OWN_FAULTS.has(error.code);

const isOwnWord = ({ code }: { code: string }): boolean =>
  code === "SANDBOX_LOAD_FAILED" || code === "WIRE_VALUE_TOO_LARGE";

const isCrash = ({ code }: { code: string }): boolean => code === "SANDBOX_CRASHED";
