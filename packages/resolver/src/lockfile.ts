import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";
import type { OrderedRelease } from "./install-order.ts";

/** One release that a lockfile holds fast. */
export interface LockedRelease extends OrderedRelease {
  readonly version: string;
  /** The registry it came from: a name or an address, without spaces. */
  readonly registry: string;
  /** SHA-256 over the canonical list of files, in hex: the release's identity. */
  readonly contentSha256: string;
  /** SHA-256 of the package file, in hex. */
  readonly fileSha256: string;
}

/** What `berth.lock` holds. The install order follows from the needs: see `installOrder`. */
export interface Lockfile {
  /** The roots that the lock was made for. */
  readonly requirements: Readonly<Record<string, string>>;
  readonly releases: readonly LockedRelease[];
}

export const LOCK_VERSION = 1;

/** Longer lockfiles are refused: this is room for some 10,000 releases. */
export const LOCK_MAX_LENGTH = 8_000_000;

const HEADER = `berth-lock ${LOCK_VERSION}`;

/**
 * Formats a lockfile: one block of lines per release, blocks and lines sorted by plugin. Every line
 * speaks of one thing only and no line depends on another's place, so two branches that touch different
 * plugins merge without conflict, and the install order is not written down because both would change it.
 *
 * @throws ResolveError RESOLVE_LOCK_INVALID for a value that cannot stand in a lockfile.
 */
export function formatLockfile(lock: Lockfile): string {
  const blocks = [HEADER, formatRequirements(lock.requirements)];
  for (const release of lock.releases.toSorted(byPlugin)) blocks.push(formatRelease(release));
  const text = `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
  // What is written must be what is read: a name with a line break would make another file.
  parseLockfile(text);
  return text;
}

function formatRequirements(requirements: Readonly<Record<string, string>>): string {
  return Object.entries(requirements)
    .map(([plugin, range]) => `require ${plugin} ${range}`)
    .toSorted()
    .join("\n");
}

function formatRelease({ plugin, version, registry, contentSha256, fileSha256, needs }: LockedRelease): string {
  const lines = needs.map(({ plugin: needed, kind, isLazy }) => `  ${needWords.get(`${kind} ${isLazy}`)} ${needed}`);
  return [
    `release ${plugin} ${version}`,
    `  registry ${registry}`,
    `  content sha256:${contentSha256}`,
    `  file sha256:${fileSha256}`,
    ...lines.toSorted(),
  ].join("\n");
}

/** How each kind of need is spelt. */
const needWords = new Map([
  ["dependency false", "needs"],
  ["dependency true", "needs-later"],
  ["optional false", "likes"],
  ["optional true", "likes-later"],
]);

const needKinds = new Map(
  Array.from(needWords, ([key, word]) => {
    const kind = key.startsWith("dependency") ? ("dependency" as const) : ("optional" as const);
    return [word, { kind, isLazy: key.endsWith("true") }] as const;
  }),
);

/**
 * Parses a lockfile. Only the one text that `formatLockfile` writes is accepted, with line ends of either
 * kind: two lockfiles with the same meaning are the same text.
 *
 * @throws ResolveError RESOLVE_LOCK_INVALID naming the first line that is wrong.
 */
export function parseLockfile(text: string): Lockfile {
  if (text.length > LOCK_MAX_LENGTH) {
    throw invalid(`has ${text.length} characters; at most ${LOCK_MAX_LENGTH} are read`);
  }
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (lines.some((line) => /^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>)/.test(line))) {
    throw invalid("holds the marks of a merge conflict", "Take either side, then run `berth lock`.");
  }
  if (lines.at(-1) !== "") throw invalid("does not end with a line end: it was cut short");
  return new LockReader(lines).read();
}

class LockReader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(lines: readonly string[]) {
    this.#lines = lines.slice(0, -1);
  }

  read(): Lockfile {
    if (this.#next() !== HEADER) throw this.#wrong(`the first line must be ${quote(HEADER)}`);
    const requirements = this.#requirements();
    const releases: LockedRelease[] = [];
    while (this.#at < this.#lines.length) {
      releases.push(this.#release());
      const [before, last] = [releases.at(-2), releases.at(-1)];
      if (before !== undefined && last !== undefined && byPlugin(before, last) >= 0) {
        throw this.#wrong(`${quote(last.plugin)} must stand once, and before ${quote(before.plugin)}`);
      }
    }
    const known = new Set(releases.map(({ plugin }) => plugin));
    for (const { plugin, needs } of releases) {
      const missing = needs.find((need) => !known.has(need.plugin));
      if (missing !== undefined)
        throw invalid(`holds ${quote(plugin)}, but not ${quote(missing.plugin)}, which it needs`);
    }
    return { requirements, releases };
  }

  #next(): string | undefined {
    this.#at += 1;
    return this.#lines[this.#at - 1];
  }

  #blank(): void {
    if (this.#next() !== "") throw this.#wrong("an empty line must stand between blocks");
  }

  /** Lines from here on that match, in strictly rising order. */
  #sorted(pattern: RegExp): RegExpExecArray[] {
    const matches: RegExpExecArray[] = [];
    for (let match = this.#try(pattern); match !== undefined; match = this.#try(pattern)) {
      const before = matches.at(-1);
      if (before !== undefined && before[0] >= match[0]) throw this.#wrong("lines must be sorted, each only once");
      matches.push(match);
    }
    return matches;
  }

  #try(pattern: RegExp): RegExpExecArray | undefined {
    const match = pattern.exec(this.#lines[this.#at] ?? "");
    if (match === null) return undefined;
    this.#at += 1;
    return match;
  }

  #requirements(): Readonly<Record<string, string>> {
    if (this.#lines.length === this.#at || this.#lines[this.#at + 1]?.startsWith("require ") !== true) return {};
    this.#blank();
    const entries = this.#sorted(/^require ([!-~]{1,256}) ([ -~]{0,4096})$/).map(
      ([, plugin, range]) => [plugin as string, range as string] as const,
    );
    if (new Set(entries.map(([plugin]) => plugin)).size < entries.length)
      throw this.#wrong("a plugin is required twice");
    return Object.fromEntries(entries);
  }

  #release(): LockedRelease {
    this.#blank();
    const [plugin, version] = this.#line(/^release ([!-~]{1,256}) ([!-~]{1,256})$/, "release PLUGIN VERSION");
    const [registry] = this.#line(/^ {2}registry ([!-~]{1,2048})$/, "  registry NAME");
    const [contentSha256] = this.#line(/^ {2}content sha256:([0-9a-f]{64})$/, "  content sha256:HEX");
    const [fileSha256] = this.#line(/^ {2}file sha256:([0-9a-f]{64})$/, "  file sha256:HEX");
    const needs = this.#sorted(/^ {2}(needs|needs-later|likes|likes-later) ([!-~]{1,256})$/).map(
      ([, word, needed]) => ({ plugin: needed as string, ...(needKinds.get(word as string) as NeedKind) }),
    );
    return {
      plugin: plugin as string,
      version: version as string,
      registry: registry as string,
      contentSha256: contentSha256 as string,
      fileSha256: fileSha256 as string,
      needs: needs.toSorted(byPlugin),
    };
  }

  #line(pattern: RegExp, expected: string): (string | undefined)[] {
    const match = this.#try(pattern);
    if (match !== undefined) return match.slice(1);
    this.#at += 1;
    throw this.#wrong(`${quote(expected)} was expected`);
  }

  #wrong(problem: string): ResolveError {
    return invalid(`has ${quote(this.#lines[this.#at - 1] ?? "")} in line ${this.#at}: ${problem}`);
  }
}

type NeedKind = { readonly kind: "dependency" | "optional"; readonly isLazy: boolean };

// By code units: the same on every machine, whatever its locale.
function byPlugin(a: { readonly plugin: string }, b: { readonly plugin: string }): number {
  return a.plugin < b.plugin ? -1 : a.plugin > b.plugin ? 1 : 0;
}

function invalid(problem: string, hint?: string): ResolveError {
  return new ResolveError("RESOLVE_LOCK_INVALID", `The lockfile ${problem}`, hint === undefined ? {} : { hint });
}

/** The versions of a lockfile, as the `locked` preferences of a request. */
export function lockedVersions(lock: Lockfile): Record<string, string> {
  return Object.fromEntries(lock.releases.map(({ plugin, version }) => [plugin, version]));
}
