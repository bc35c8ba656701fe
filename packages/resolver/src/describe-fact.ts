import { sanitize } from "@berth/base";
import {
  describeDuration,
  describePlaces,
  describeRange,
  describeReleases,
  describeRequirement,
  describeVersion,
  isPlural,
  joinWords,
} from "./describe.ts";
import type { Ban } from "./eligibility.ts";
import type { Fact } from "./incompatibility.ts";
import type { PluginTable } from "./plugin-table.ts";
import { areDisjoint, exactVersionOf, isUnlimited } from "./range.ts";
import type { Range } from "./range.ts";
import { countOf, equals, isDisjoint, isEmpty, isSubset } from "./version-set.ts";

type RootFact = Extract<Fact, { kind: "root" }>;
type EdgeFact = Extract<Fact, { kind: "edge" }>;
type BannedFact = Extract<Fact, { kind: "banned" }>;

/** A fact as the clause of a sentence: "foo 1.0.0 depends on bar ^2". */
export function describeFact(fact: Fact): string {
  return fact.kind === "banned" ? describeBan(fact) : `${describeDemand(fact)}${describeRemarks(fact)}`;
}

/** A fact that is a whole proof: a root that nothing can meet. */
export function describeLoneFact(fact: Fact): string {
  if (fact.kind !== "root") return `${describeFact(fact)}.`;
  const supply = fact.target.isListed ? describeSupply(fact) : "it is not in the registry";
  return `You require ${describeWanted(fact)}${describeRemarks(fact, false)}, but ${supply}.`;
}

/** Two facts, of which both are needed for what follows, as one clause. */
export function describeFacts(a: Fact, b: Fact): string {
  const joined = tryJoin(a, b) ?? tryJoin(b, a);
  if (joined !== undefined) return joined;
  const [first, second] = sortKey(a) <= sortKey(b) ? [a, b] : [b, a];
  return `${describeFact(first)} and ${describeFact(second)}${describeGap(a, b)}`;
}

/** By the name of who speaks; the reader's own requirement comes last, next to the conclusion. */
function sortKey(fact: Fact): string {
  if (fact.kind === "root") return `2 ${fact.target.name}`;
  return fact.kind === "edge" ? `1 ${fact.source.name}` : `1 ${fact.target.name}`;
}

/** Subject, verb and object, without a remark on what there is. */
function describeDemand(fact: RootFact | EdgeFact): string {
  if (fact.kind === "root") return `you require ${describeWanted(fact)}`;
  const { source, edge } = fact;
  return `${describeReleases(source, edge.makers)} ${describePredicate(fact, isPlural(source, edge.makers))}`;
}

const verbs = {
  dependency: ["depends on", "depend on"],
  optional: ["accepts only", "accept only"],
  conflict: ["conflicts with", "conflict with"],
} as const;

/** "depends on bar ^2". */
function describePredicate(fact: EdgeFact, plural = false): string {
  const verb = verbs[fact.edge.kind][plural ? 1 : 0];
  if (fact.edge.kind === "conflict" && fact.source === fact.target) return `${verb} itself`;
  return `${verb} ${describeWanted(fact)}`;
}

/** The plugin and range that are asked for. */
function describeWanted(fact: RootFact | EdgeFact): string {
  return describeRequirement(fact.target, authorsRange(fact));
}

/** Remarks in parentheses, after a blank: what the policy makes of the range, and what there is to match it. */
function describeRemarks(fact: RootFact | EdgeFact, withMatches = true): string {
  const remarks = [describeOverride(fact), withMatches ? describeMatches(fact) : ""].filter((remark) => remark !== "");
  return remarks.length === 0 ? "" : ` (${remarks.join("; ")})`;
}

function describeOverride({ override }: RootFact | EdgeFact): string {
  return override === undefined ? "" : `your policy overrides that with ${describeRange(override)}`;
}

/** A remark where no release matches what is asked for, or a single one that the range does not name. */
function describeMatches(fact: RootFact | EdgeFact): string {
  if (fact.kind === "edge" && fact.edge.kind !== "dependency") return "";
  const range = effectiveRange(fact);
  const matching = fact.target.matching(range);
  if (isEmpty(matching)) return describeSupply(fact);
  if (countOf(matching) > 1 || exactVersionOf(range) !== undefined || isUnlimited(range)) return "";
  return `only ${describeVersion(fact.target, matching[0] as number)} matches`;
}

/** What there is of a plugin, for a reader whose range matched none of it. */
function describeSupply(fact: RootFact | EdgeFact): string {
  const { target } = fact;
  const total = target.count;
  if (!target.isListed) return "not in the registry";
  if (total === 0) return "it has no releases";
  if (effectiveRange(fact).intervals.length === 0) return "no version can ever match that";
  if (total === 1) return `no release matches; there is only ${describeVersion(target, 0)}`;
  const all = target.versions.map((_, place) => describeVersion(target, place));
  if (total <= 3) return `no release matches; there are ${joinWords(all)}`;
  return `no release matches; there are ${total}, from ${all[0]} to ${all.at(-1)}`;
}

function describeBan({ target, set, ban }: BannedFact): string {
  if (ban.kind === "constraint") return `your policy admits only ${describeRequirement(target, ban.range)}`;
  return `${describeReleases(target, set)} ${describeBanned(target, ban, isPlural(target, set))}`;
}

/** What is wrong with banned releases: "is yanked". */
function describeBanned(target: PluginTable, ban: Ban, plural = false): string {
  const is = plural ? "are" : "is";
  switch (ban.kind) {
    case "revoked":
      return `${is} revoked${ban.reason === undefined ? "" : ` (${sanitize(ban.reason, 200)})`}`;
    case "api":
      return `${plural ? "need" : "needs"} Berth API ${describeRange(ban.range)} (this host has ${ban.hostApi})`;
    case "platform":
      return `${plural ? "do" : "does"} not run on ${sanitize(ban.platform, 60)}`;
    case "level":
      return `${plural ? "need" : "needs"} the level ${ban.level} (this machine gives at most ${ban.highestLevel})`;
    case "constraint":
      return `${is} refused by your policy (it admits only ${describeRequirement(target, ban.range)})`;
    case "yanked":
      return `${is} yanked`;
    case "prerelease":
      return `${is} refused by your policy (it admits no pre-releases)`;
    case "age":
      return `${is} refused by your policy (not known to be ${describeDuration(ban.minimumAgeMs)} old)`;
  }
}

/** Two facts as one clause that is shorter than both with "and" between, where there is one. */
function tryJoin(first: Fact, second: Fact): string | undefined {
  if (first.kind === "banned") return undefined;
  if (first.kind === "root" && second.kind === "root") return describeTwoRoots(first, second);
  if (first.kind === "edge" && first.edge.kind !== "dependency") return undefined;
  if (second.kind === "banned") return tryJoinBan(first, second);
  if (second.kind === "edge") return tryJoinEdges(first, second) ?? tryJoinChain(first, second);
  return undefined;
}

function describeTwoRoots(first: RootFact, second: RootFact): string {
  const [a, b] = first.target.name < second.target.name ? [first, second] : [second, first];
  return `you require both ${describeWanted(a)}${describeRemarks(a)} and ${describeWanted(b)}${describeRemarks(b)}`;
}

/** "foo 1.0.0 depends on bar ^2 as well as on baz ^3". */
function tryJoinEdges(first: RootFact | EdgeFact, second: EdgeFact): string | undefined {
  if (first.kind !== "edge" || second.edge.kind !== "dependency" || first.source !== second.source) return undefined;
  if (!equals(first.edge.makers, second.edge.makers)) return undefined;
  return `${describeFact(first)} as well as on ${describeWanted(second)}${describeRemarks(second)}`;
}

/** "foo 1.0.0 depends on bar ^2, which depends on baz ^3", if all of bar ^2 does. */
function tryJoinChain(first: RootFact | EdgeFact, second: EdgeFact): string | undefined {
  if (first.target !== second.source || second.target === second.source) return undefined;
  const matching = first.target.matching(effectiveRange(first));
  if (isEmpty(matching) || !isSubset(matching, second.edge.makers)) return undefined;
  const leading = `${describeDemand(first)}${describeRemarks(first, false)}`;
  return `${leading}, which ${describePredicate(second)}${describeRemarks(second)}`;
}

/** "foo depends on bar ^1, whose only match 1.2.0 is yanked", if all of bar ^1 is. */
function tryJoinBan(first: RootFact | EdgeFact, { target, set, ban }: BannedFact): string | undefined {
  if (first.target !== target) return undefined;
  const range = effectiveRange(first);
  const matching = target.matching(range);
  if (isEmpty(matching) || !isSubset(matching, set)) return undefined;
  const leading = `${describeDemand(first)}${describeRemarks(first, false)}`;
  if (exactVersionOf(range) !== undefined) return `${leading}, which ${describeBanned(target, ban)}`;
  if (countOf(matching) > 1) return `${leading}, of which every match ${describeBanned(target, ban)}`;
  return `${leading}, whose only match ${describePlaces(target, matching)} ${describeBanned(target, ban)}`;
}

/** A remark for two ranges that overlap on paper although no release lies in both. */
function describeGap(a: Fact, b: Fact): string {
  if (a.kind === "banned" || b.kind === "banned" || a.target !== b.target) return "";
  const [one, two] = [effectiveRange(a), effectiveRange(b)];
  const isGap = !areDisjoint(one, two) && isDisjoint(a.target.matching(one), a.target.matching(two));
  const hasBoth = !isEmpty(a.target.matching(one)) && !isEmpty(a.target.matching(two));
  if (!isGap || !hasBoth || isConflictEdge(a) || isConflictEdge(b)) return "";
  return ", and no release is in both ranges";
}

function isConflictEdge(fact: RootFact | EdgeFact): boolean {
  return fact.kind === "edge" && fact.edge.kind === "conflict";
}

function authorsRange(fact: RootFact | EdgeFact): Range {
  return fact.kind === "root" ? fact.range : fact.edge.range;
}

/** The range that counts: the policy's where it overrides the author's. */
function effectiveRange(fact: RootFact | EdgeFact): Range {
  return fact.override ?? authorsRange(fact);
}
