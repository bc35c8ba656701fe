import type { SupervisedCompartment } from "@berth/sandbox";
import type { DialectSchema, Limits, Manifest, SecurityLevel } from "@berth/spec";

import { compileSchema } from "../schema/compile.ts";
import type { Validate } from "../schema/compile.ts";

/** What is known of a release before anything of it runs. */
export type ReleaseFacts = Pick<InstalledPlugin, "manifest" | "level" | "limits" | "contentDigest" | "fileDigest">;

/** One release of an installed plugin while the host is open: what runs. */
export class InstalledPlugin {
  readonly manifest: Manifest;
  readonly level: SecurityLevel;
  readonly limits: Limits;
  readonly contentDigest: string;
  readonly fileDigest: string;
  /** Running instances, by what `Compartments` calls their partition. */
  readonly compartments = new Map<string, SupervisedCompartment>();
  /** Lets go of what others hold for the running instances; called when the last of them goes. */
  whenDisposed: (() => void) | undefined;
  /** The bundle and its source map, once the package was read and verified again. */
  code: Promise<PluginCode> | undefined;
  readonly #validators = new Map<string, Validate>();
  /** Whether an instance answered since its process began: then the next loss of the process is the plugin's. */
  hasAnswered = false;
  /** It runs to see whether its code can be loaded, and for nobody. */
  isTrial = false;
  #callsUnderWay = 0;
  #isRetired = false;
  #hasEnded = false;

  constructor(facts: ReleaseFacts) {
    this.manifest = facts.manifest;
    this.level = facts.level;
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
    let validate = this.#validators.get(key);
    if (validate === undefined) {
      validate = compileSchema(schemaOf() ?? false);
      this.#validators.set(key, validate);
    }
    return validate;
  }

  beginCall(): void {
    this.#callsUnderWay += 1;
  }

  endCall(): void {
    this.#callsUnderWay -= 1;
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

  disposeCompartments(): void {
    for (const compartment of this.compartments.values()) compartment[Symbol.dispose]();
    this.compartments.clear();
    this.code = undefined;
    this.whenDisposed?.();
    this.whenDisposed = undefined;
  }
}

/** What runs, and what helps to read its stacks. */
export interface PluginCode {
  readonly bundle: Uint8Array;
  readonly sourceMap: Uint8Array | undefined;
}
