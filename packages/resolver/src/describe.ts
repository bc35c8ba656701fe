import { sanitize } from "@berth/base";
import type { Incompatibility } from "./incompatibility.ts";
import type { PluginTable } from "./plugin-table.ts";
import { isUnlimited } from "./range.ts";
import type { Range } from "./range.ts";
import { isPositive } from "./term.ts";
import type { Term } from "./term.ts";
import { complementOf, countOf, intersectionOf } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/** Words that a list of versions may have before it is cut. */
const LISTED_WORDS = 5;

type Conjunction = "and" | "or";

/** A plugin's name, fit for a message whatever a hostile registry calls it. */
export function describePlugin({ name }: Pick<PluginTable, "name">): string {
  return sanitize(name, 140);
}

/** A range's text, fit for a message. */
export function describeRange(range: Range): string {
  return sanitize(range.text, 100);
}

/** `foo ^1.0.0`, or just `foo` when any version will do. */
export function describeRequirement(plugin: Pick<PluginTable, "name">, range: Range): string {
  return isUnlimited(range) ? describePlugin(plugin) : `${describePlugin(plugin)} ${describeRange(range)}`;
}

/** `foo 1.0.0`, `foo 1.0.0 to 1.4.0`, `foo 2.0.0 and later`, `every release of foo` …: releases of one plugin. */
export function describeReleases(plugin: PluginTable, set: VersionSet): string {
  const name = describePlugin(plugin);
  const present = intersectionOf(set, plugin.present);
  return isEvery(plugin, present) ? `every release of ${name}` : `${name} ${describePlaces(plugin, present)}`;
}

/** The versions in `set`, without the plugin's name. */
export function describePlaces(plugin: PluginTable, set: VersionSet, conjunction: Conjunction = "and"): string {
  const words: string[] = [];
  for (let index = 0; index < set.length && words.length <= LISTED_WORDS; index += 2) {
    words.push(...describeStretch(plugin, set[index] as number, set[index + 1] as number));
  }
  if (words.length <= LISTED_WORDS) return joinWords(words, conjunction);
  const last = describeStretch(plugin, set.at(-2) as number, set.at(-1) as number).at(-1);
  return `${words.slice(0, LISTED_WORDS - 2).join(", ")} … ${last} (${countOf(set)} releases)`;
}

function describeStretch(plugin: PluginTable, from: number, to: number): string[] {
  const first = describeVersion(plugin, from);
  const last = describeVersion(plugin, to - 1);
  if (to - from === 1) return [first];
  if (to - from === 2) return [first, last];
  if (to === plugin.count) return [`${first} and later`];
  if (from === 0) return [`${last} and earlier`];
  return [`${first} to ${last}`];
}

/** The version of the release at `place`. */
export function describeVersion(plugin: PluginTable, place: number): string {
  return sanitize(plugin.versions[place]?.text ?? "", 60);
}

/** "a", "a and b", "a, b and c". */
export function joinWords(words: readonly string[], conjunction: Conjunction = "and"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${conjunction} ${words.at(-1)}`;
}

/** Whether the releases in `set` take a plural verb: several that are listed, but not "every release". */
export function isPlural(plugin: PluginTable, set: VersionSet): boolean {
  const present = intersectionOf(set, plugin.present);
  return countOf(present) > 1 && !isEvery(plugin, present);
}

function isEvery(plugin: PluginTable, present: VersionSet): boolean {
  return plugin.count > 1 && countOf(present) === plugin.count;
}

const durations: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

/** "3 days": in the largest unit that divides it. */
export function describeDuration(ms: number): string {
  const [unit, name] = durations.find(([size]) => ms >= size && ms % size === 0) ?? [1, "millisecond"];
  const count = ms / unit;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** What an incompatibility means, as a clause: "foo 1.0.0 requires bar 2.0.0". */
export function describeConclusion({ terms }: Incompatibility): string {
  const sorted = terms.toSorted((a, b) => (a.plugin.name < b.plugin.name ? -1 : 1));
  const installed = sorted.filter(isPositive);
  const needed = joinWords(sorted.filter((term) => !isPositive(term)).map(describeNeeded), "or");
  if (terms.length === 0) return "there is no solution";
  if (installed.length === 0) return `${needed} is required`;
  if (needed === "") return describeImpossible(installed);
  const [only, ...others] = installed;
  if (only === undefined || others.length > 0) return `${describeTogether(installed)} together require ${needed}`;
  const verb = isPlural(only.plugin, only.set) ? "require" : "requires";
  return `${describeReleases(only.plugin, only.set)} ${verb} ${needed}`;
}

/** Releases that must not be there, alone or together. */
function describeImpossible(terms: readonly Term[]): string {
  const [only, ...others] = terms;
  if (only === undefined || others.length > 0) return `${describeTogether(terms)} cannot be used together`;
  const { plugin, set } = only;
  if (plugin.count === 1) return `${describeReleases(plugin, set)}, its only release, cannot be used`;
  if (isEvery(plugin, set)) return `no release of ${describePlugin(plugin)} can be used`;
  return `${describeReleases(plugin, set)} cannot be used`;
}

/** Several plugins, of each of which only one release can be meant. */
function describeTogether(terms: readonly Term[]): string {
  return joinWords(
    terms.map(({ plugin, set }) => {
      if (isEvery(plugin, set)) return `any ${describePlugin(plugin)}`;
      const places = describePlaces(plugin, set, "or");
      return countOf(set) === 1 ? `${describePlugin(plugin)} ${places}` : `${describePlugin(plugin)} (${places})`;
    }),
  );
}

/** The releases that a negative term leaves to be installed. */
function describeNeeded({ plugin, set }: Term): string {
  const needed = complementOf(set, plugin.size);
  // Any release will do: the name alone says so.
  return isEvery(plugin, needed)
    ? describePlugin(plugin)
    : `${describePlugin(plugin)} ${describePlaces(plugin, needed, "or")}`;
}
