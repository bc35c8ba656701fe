import type { SupervisedCompartment } from "@berth/sandbox";
import type { Limits, Manifest, SecurityLevel } from "@berth/spec";

import { compileSchema } from "./schema/compile.ts";
import type { Validate } from "./schema/compile.ts";

/** An installed plugin while the host is open. */
export class InstalledPlugin {
  readonly manifest: Manifest;
  readonly level: SecurityLevel;
  readonly limits: Limits;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly keyId: string;
  readonly installedAt: string;
  /** Running instances, by partition; the empty name is calls without one. */
  readonly compartments = new Map<string, SupervisedCompartment>();
  /** The bundle and its source map, once the package was read and verified again. */
  code: Promise<PluginCode> | undefined;
  readonly #validators = new Map<string, Validate>();

  constructor(
    facts: Pick<
      InstalledPlugin,
      "manifest" | "level" | "limits" | "contentDigest" | "fileDigest" | "keyId" | "installedAt"
    >,
  ) {
    this.manifest = facts.manifest;
    this.level = facts.level;
    this.limits = facts.limits;
    this.contentDigest = facts.contentDigest;
    this.fileDigest = facts.fileDigest;
    this.keyId = facts.keyId;
    this.installedAt = facts.installedAt;
  }

  /** Compiled when first used. The same schema passed the schema thread at install. */
  validator(action: string, side: "input" | "output"): Validate {
    const key = `${side}\n${action}`;
    let validate = this.#validators.get(key);
    if (validate === undefined) {
      const declaration = this.manifest.contributes.actions[action];
      validate = compileSchema(declaration?.[side] ?? false);
      this.#validators.set(key, validate);
    }
    return validate;
  }

  disposeCompartments(): void {
    for (const compartment of this.compartments.values()) compartment[Symbol.dispose]();
    this.compartments.clear();
  }
}

/** What runs, and what helps to read its stacks. */
export interface PluginCode {
  readonly bundle: Uint8Array;
  readonly sourceMap: Uint8Array | undefined;
}
