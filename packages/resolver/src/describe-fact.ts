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
  if (fact.kind === "banned") return describeBan(fact);
  const remark = describeMatches(fact);
  return remark === "" ? describeDemand(fact) : `${describeDemand(fact)} ${remark}`;
}

/** A fact that is a whole proof: a root that nothing can meet. */
export function describeLoneFact(fact: Fact): string {
  if (fact.kind !== "root") return `${describeFact(fact)}.`;
  const supply = fact.target.isListed ? describeSupply(fact) : "it is not in the registry";
  return `You require ${describeWanted(fact)}, but ${supply}.`;
}

/** Two facts, of which both are needed for what follows, as one clause. */
export function describeFacts(a: Fact, b: Fact): string {
  const joined = tryJoin(a, b) ?? tryJoin(b, a);
  if (joined !== undefined) return joined;
  // The reader's own requirement comes last, next to the conclusion.
  const [first, second] = a.kind === "root" ? [b, a] : [a, b];
  return `${describeFact(first)} and ${describeFact(second)}${describeGap(a, b)}`;
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

/** The plugin and range that are asked for, and what the policy made of the range. */
function describeWanted(fact: RootFact | EdgeFact): string {
  const wanted = describeRequirement(fact.target, authorsRange(fact));
  if (fact.override === undefined) return wanted;
  return `${wanted} (which your policy overrides with ${describeRange(fact.override)})`;
}

/** A remark where no release matches what is asked for, or a single one that the range does not name. */
function describeMatches(fact: RootFact | EdgeFact): string {
  if (fact.kind === "edge" && fact.edge.kind !== "dependency") return "";
  const range = effectiveRange(fact);
  const matching = fact.target.matching(range);
  if (isEmpty(matching)) return `(${describeSupply(fact)})`;
  if (countOf(matching) > 1 || exactVersionOf(range) !== undefined || isUnlimited(range)) return "";
  return `(only ${describeVersion(fact.target, matching[0] as number)} matches)`;
}

/** What there is of a plugin, for a reader whose range matched none of it. */
function describeSupply(fact: RootFact | EdgeFact): string {
  const { target } = fact;
  const total = target.releases.length;
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
  return `you require both ${describeFact(a).slice("you require ".length)} and ${describeFact(b).slice("you require ".length)}`;
}

/** "foo 1.0.0 depends on bar ^2 as well as on baz ^3". */
function tryJoinEdges(first: RootFact | EdgeFact, second: EdgeFact): string | undefined {
  if (first.kind !== "edge" || second.edge.kind !== "dependency" || first.source !== second.source) return undefined;
  if (!equals(first.edge.makers, second.edge.makers)) return undefined;
  const also = [describeWanted(second), describeMatches(second)].filter((words) => words !== "");
  return `${describeFact(first)} as well as on ${also.join(" ")}`;
}

/** "foo 1.0.0 depends on bar ^2, which depends on baz ^3", if all of bar ^2 does. */
function tryJoinChain(first: RootFact | EdgeFact, second: EdgeFact): string | undefined {
  if (first.target !== second.source || second.target === second.source) return undefined;
  const matching = first.target.matching(effectiveRange(first));
  if (isEmpty(matching) || !isSubset(matching, second.edge.makers)) return undefined;
  const remark = describeMatches(second);
  return `${describeDemand(first)}, which ${describePredicate(second)}${remark === "" ? "" : ` ${remark}`}`;
}

/** "foo depends on bar ^1, whose only match 1.2.0 is yanked", if all of bar ^1 is. */
function tryJoinBan(first: RootFact | EdgeFact, { target, set, ban }: BannedFact): string | undefined {
  if (first.target !== target) return undefined;
  const range = effectiveRange(first);
  const matching = target.matching(range);
  if (isEmpty(matching) || !isSubset(matching, set)) return undefined;
  const isExact = exactVersionOf(range) !== undefined;
  const which = isExact ? "which" : countOf(matching) === 1 ? `whose only match ${describePlaces(target, matching)}` : "";
  if (which === "") return `${describeDemand(first)}, of which every match ${describeBanned(target, ban)}`;
  return `${describeDemand(first)}, ${which} ${describeBanned(target, ban)}`;
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
