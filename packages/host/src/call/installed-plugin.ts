import type { SupervisedCompartment } from "@berth/sandbox";
import type { DialectSchema, Limits, Manifest, Permission, SecurityLevel } from "@berth/spec";

import { compileSchema } from "../schema/compile.ts";
import type { Validate } from "../schema/compile.ts";
import { ownProcessPermissions } from "./packing.ts";

/** What is known of a release before anything of it runs. */
export type ReleaseFacts = Pick<
  InstalledPlugin,
  "manifest" | "level" | "isFresh" | "limits" | "contentDigest" | "fileDigest"
>;

/** One release of an installed plugin while the host is open: what runs. */
export class InstalledPlugin {
  readonly manifest: Manifest;
  readonly level: SecurityLevel;
  /** Every call begins with the state that loading left. */
  readonly isFresh: boolean;
  readonly limits: Limits;
  readonly contentDigest: string;
  readonly fileDigest: string;
  /** Running instances, by what `Compartments` calls their partition. */
  readonly compartments = new Map<string, SupervisedCompartment>();
  /** The bundle and its source map, once the package was read and verified again. */
  code: Promise<PluginCode> | undefined;
  /** Made when first needed, as most plugins of a host are not at work. */
  #validators: Map<string, Validate> | undefined;
  /** Instances that get no more calls, because the plugin's process is another one now. */
  #retiring: Set<SupervisedCompartment> | undefined;
  /** What it asks for that must not be held in a process with others. */
  get ownProcessPermissions(): readonly Permission[] {
    return (this.#ownProcessPermissions ??= ownProcessPermissions(this.manifest));
  }

  #ownProcessPermissions: readonly Permission[] | undefined;
  /** Whether its last instance was dropped because nobody called it. */
  isHibernating = false;
  /** It runs to see whether its code can be loaded, and for nobody, in the trial of this number. */
  trial: number | undefined;
  #callsUnderWay = 0;
  #isRetired = false;
  #hasEnded = false;

  constructor(facts: ReleaseFacts) {
    this.manifest = facts.manifest;
    this.level = facts.level;
    this.isFresh = facts.isFresh;
    this.limits = facts.limits;
    this.contentDigest = facts.contentDigest;
    this.fileDigest = facts.fileDigest;
  }

  /** Whether it was switched off: nothing of it may be started again. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Compiled when first used. The same schema passed the schema thread at install. */
  validator(action: string, side: "input" | "output"): Validate {
    return this.#validatorOf(`${side}\n${action}`, () => this.manifest.contributes.actions[action]?.[side]);
  }

  /** Like `validator`, for what an event carries. */
  eventValidator(event: string): Validate {
    return this.#validatorOf(`event\n${event}`, () => this.manifest.contributes.events[event]?.payload);
  }

  #validatorOf(key: string, schemaOf: () => DialectSchema | undefined): Validate {
    const validators = (this.#validators ??= new Map());
    let validate = validators.get(key);
    if (validate === undefined) {
      validate = compileSchema(schemaOf() ?? false);
      validators.set(key, validate);
    }
    return validate;
  }

  beginCall(): void {
    this.#callsUnderWay += 1;
  }

  endCall(): void {
    this.#callsUnderWay -= 1;
    if (this.#callsUnderWay === 0) this.#retiring = undefined;
    if (this.#isRetired && this.#callsUnderWay === 0) this.disposeCompartments();
  }

  /** Another release takes over: calls under way end here, within their deadlines, and then its instances do. */
  retire(): void {
    this.#isRetired = true;
    if (this.#callsUnderWay === 0) this.disposeCompartments();
  }

  /** Switched off: calls under way are lost, and calls that have not reached an instance will find none. */
  end(): void {
    this.#hasEnded = true;
    this.disposeCompartments();
  }

  /** The instance gets no more calls, and ends with those it has. */
  retireCompartment(key: string): void {
    const compartment = this.compartments.get(key);
    if (compartment === undefined) return;
    this.compartments.delete(key);
    (this.#retiring ??= new Set()).add(compartment);
    compartment.retire();
  }

  disposeCompartments(): void {
    for (const compartment of [...this.compartments.values(), ...(this.#retiring ?? [])]) compartment[Symbol.dispose]();
    this.compartments.clear();
    this.#retiring = undefined;
    this.#rest();
  }

  /** An instance that nobody called is gone; with the last one goes what only calls need. */
  hibernate(key: string): void {
    this.compartments.get(key)?.[Symbol.dispose]();
    this.compartments.delete(key);
    if (this.compartments.size > 0 || this.#callsUnderWay > 0) return;
    this.isHibernating = true;
    this.#rest();
  }

  #rest(): void {
    this.code = undefined;
    this.#validators = undefined;
  }
}

/** What runs, and what helps to read its stacks. */
export interface PluginCode {
  readonly bundle: Uint8Array;
  readonly sourceMap: Uint8Array | undefined;
}
