import { hash } from "node:crypto";

import { MANIFEST_CHECKS, MANIFEST_MEMBERS } from "@berth/spec";
import type { Manifest } from "@berth/spec";

/** What a manifest declares that others look for by something else than the plugin's id. */
export interface Declarations {
  /** Topics it subscribes to. */
  readonly topics: readonly string[];
  readonly hasSchedules: boolean;
}

/** Most plugins name nobody and declare nothing; they share these. */
const NOBODY = Object.freeze({});
const NOTHING: Declarations = Object.freeze({ topics: [], hasSchedules: false });
const orNobody = <Named extends object>(named: Named): Named =>
  Object.keys(named).length === 0 ? (NOBODY as Named) : named;

/**
 * A manifest that is kept as text: a host has thousands of plugins, of which few are at work, and a parsed manifest
 * weighs several times its text. What all plugins are compared by at every start and change is at hand; every other
 * member is read from the text when somebody asks for it, and let go when nobody holds it.
 */
class StoredManifest {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly level: Manifest["level"];
  readonly runtime: Manifest["runtime"];
  readonly limits: Manifest["limits"];
  readonly dependencies: Manifest["dependencies"];
  readonly optionalDependencies: Manifest["optionalDependencies"];
  readonly conflicts: Manifest["conflicts"];
  readonly #declarations: Declarations;
  readonly #text: string;
  #whole: WeakRef<Manifest> | undefined;

  static {
    // The members above are fields, which come before these.
    for (const member of MANIFEST_MEMBERS)
      Object.defineProperty(this.prototype, member, {
        get(this: StoredManifest) {
          return this.#read()[member];
        },
      });
  }

  constructor(text: string, whole: Manifest) {
    this.#text = text;
    this.#declarations = declarationsIn(whole);
    this.id = whole.id;
    this.version = whole.version;
    this.displayName = whole.displayName;
    this.level = whole.level;
    this.runtime = whole.runtime;
    this.limits = orNobody(whole.limits);
    this.dependencies = orNobody(whole.dependencies);
    this.optionalDependencies = orNobody(whole.optionalDependencies);
    this.conflicts = orNobody(whole.conflicts);
  }

  static declarationsOf(manifest: object): Declarations | undefined {
    return #declarations in manifest ? manifest.#declarations : undefined;
  }

  #read(): Manifest {
    let whole = this.#whole?.deref();
    if (whole === undefined) {
      whole = JSON.parse(this.#text) as Manifest;
      this.#whole = new WeakRef(whole);
    }
    return whole;
  }

  /** Whoever writes it writes all of it. */
  toJSON(): Manifest {
    return this.#read();
  }
}

function declarationsIn({ contributes: { schedules, subscriptions } }: Manifest): Declarations {
  const topics = Object.keys(subscriptions);
  const hasSchedules = Object.keys(schedules).length > 0;
  return topics.length === 0 && !hasSchedules ? NOTHING : { topics, hasSchedules };
}

/** At hand for a stored manifest. */
export const declarationsOf = (manifest: Manifest): Declarations =>
  StoredManifest.declarationsOf(manifest) ?? declarationsIn(manifest);

/**
 * What is stored beside a manifest's text that passed today's checks. Another text, or checks of another Berth, have
 * another mark, and what has no mark of today is checked again. It is no seal: whoever can write to the database can
 * compute it.
 */
export const checkMarkOf = (text: string): string => `sha256:${hash("sha256", `${MANIFEST_CHECKS}\n${text}`)}`;

/**
 * A manifest whose rarely used members stay text. `text` is JSON of `whole`, and `whole` passed `parseManifest`, now
 * or when it was stored. Not to be copied member by member: what is not at hand is no member of its own.
 */
export const makeStoredManifest = (text: string, whole: Manifest): Manifest =>
  new StoredManifest(text, whole) as unknown as Manifest;
