import { hash } from "node:crypto";

import { MANIFEST_CHECKS, MANIFEST_MEMBERS } from "@berth/spec";
import type { Manifest } from "@berth/spec";

/** Members of a manifest that are at hand. */
const AT_HAND = [
  "id",
  "version",
  "displayName",
  "level",
  "runtime",
  "limits",
  "dependencies",
  "optionalDependencies",
  "conflicts",
] as const;

/** What all plugins are compared by at every start and change, and what others look for. */
export type ManifestOutline = Pick<Manifest, (typeof AT_HAND)[number]> & {
  readonly contributes: Pick<Manifest["contributes"], "schedules" | "subscriptions">;
};

/**
 * SQL for the outline, as JSON, of a manifest whose text is the column `manifest`; NULL where it is no JSON. Parsed in
 * the thread of the store, it leaves nothing behind in the memory of this one, which is then never given back.
 */
export const OUTLINE_SQL = `CASE WHEN json_valid(manifest) THEN json_object(${[
  ...AT_HAND.map((name) => `'${name}', manifest -> '$.${name}'`),
  `'contributes', json_object(${["schedules", "subscriptions"]
    .map((name) => `'${name}', manifest -> '$.contributes.${name}'`)
    .join(", ")})`,
].join(", ")}) END`;

/** What a manifest declares that others look for by something else than the plugin's id. */
export interface Declarations {
  /** Topics it subscribes to. */
  readonly topics: readonly string[];
  readonly hasSchedules: boolean;
}

/**
 * How many manifests are kept whole. Not weakly: V8's collector of young objects takes a weak reference for a strong
 * one, so that reading all of them once would fill the old ones' space.
 */
const KEPT_WHOLE = 256;

/** Most plugins name nobody and declare nothing; they share these. */
const NOBODY = Object.freeze({});
const NOTHING: Declarations = Object.freeze({ topics: [], hasSchedules: false });
const orNobody = <Named extends object>(named: Named): Named =>
  Object.keys(named).length === 0 ? (NOBODY as Named) : named;

/**
 * A manifest that is kept as text: a host has thousands of plugins, of which few are at work, and a parsed manifest
 * weighs several times its text. Its outline is at hand; every other member is read from the text when somebody asks for it, and let go when many others were read.
 */
class StoredManifest {
  /** Those that were read last, which are kept whole. */
  private static readonly lastRead: StoredManifest[] = [];
  private static nextRead = 0;
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
  /** Beside the heap: what survives there makes V8 take more room for what does not, and keep it. */
  readonly #text: Buffer;
  #whole: Manifest | undefined;

  static {
    // The members above are fields, which come before these.
    for (const member of MANIFEST_MEMBERS)
      Object.defineProperty(this.prototype, member, {
        get(this: StoredManifest) {
          return this.#read()[member];
        },
      });
  }

  constructor(text: string, outline: ManifestOutline) {
    this.#text = Buffer.from(text);
    this.#declarations = declarationsIn(outline);
    this.id = outline.id;
    this.version = outline.version;
    this.displayName = outline.displayName;
    this.level = outline.level;
    this.runtime = outline.runtime;
    this.limits = orNobody(outline.limits);
    this.dependencies = orNobody(outline.dependencies);
    this.optionalDependencies = orNobody(outline.optionalDependencies);
    this.conflicts = orNobody(outline.conflicts);
  }

  static declarationsOf(manifest: object): Declarations | undefined {
    return #declarations in manifest ? manifest.#declarations : undefined;
  }

  #read(): Manifest {
    if (this.#whole !== undefined) return this.#whole;
    const { lastRead } = StoredManifest;
    const forgotten = lastRead[StoredManifest.nextRead];
    if (forgotten !== undefined) forgotten.#whole = undefined;
    lastRead[StoredManifest.nextRead] = this;
    StoredManifest.nextRead = (StoredManifest.nextRead + 1) % KEPT_WHOLE;
    return (this.#whole = JSON.parse(this.#text.toString()) as Manifest);
  }

  /** Whoever writes it writes all of it. */
  toJSON(): Manifest {
    return this.#read();
  }
}

function declarationsIn({ contributes: { schedules, subscriptions } }: ManifestOutline): Declarations {
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
 * A manifest whose rarely used members stay text. `text` is JSON of a manifest that passed `parseManifest`, now or when
 * it was stored, and `outline` its outline, or all of it. Not to be copied member by member: what is not at hand is no
 * member of its own.
 */
export const makeStoredManifest = (text: string, outline: ManifestOutline): Manifest =>
  new StoredManifest(text, outline) as unknown as Manifest;
