import { sanitize } from "@berth/base";
import type { Catalogue } from "./catalogue.ts";
import { describePlugin } from "./describe.ts";
import { factsOf } from "./proof.ts";
import type { Core } from "./minimal-core.ts";
import type { Fact } from "./incompatibility.ts";
import type { Policy } from "./policy.ts";
import { isUnlimited } from "./range.ts";
import type { Requirement, Requirements } from "./release-source.ts";
import type { ResolveRequest } from "./request.ts";
import { equals } from "./version-set.ts";

/** One change of roots or policy. */
export type Change =
  /** Accept other releases of a root. */
  | {
      readonly kind: "relax-root";
      readonly plugin: string;
      readonly from: string;
      readonly to: string;
      /** Whether it leads back to releases before those that were asked for. */
      readonly isDowngrade: boolean;
    }
  /** Do without a root. */
  | { readonly kind: "drop-root"; readonly plugin: string; readonly from: string }
  /** Ask for exactly this yanked release. */
  | { readonly kind: "pin-yanked"; readonly plugin: string; readonly from?: string; readonly to: string }
  | { readonly kind: "allow-yanked" }
  | { readonly kind: "allow-prereleases" }
  | { readonly kind: "exempt-from-age"; readonly plugin: string }
  | { readonly kind: "drop-override"; readonly plugin: string; readonly from: string }
  | { readonly kind: "drop-constraint"; readonly plugin: string; readonly from: string };

/** A change with its price: how much of what was asked for it gives up. */
export interface PricedChange {
  readonly change: Change;
  readonly cost: number;
}

const costs: Readonly<Record<Change["kind"], number>> = {
  "relax-root": 2,
  "pin-yanked": 3,
  "allow-prereleases": 3,
  "exempt-from-age": 3,
  "drop-override": 3,
  "drop-constraint": 3,
  "allow-yanked": 4,
  "drop-root": 5,
};

/** Of many yanked releases, only the newest are proposed. */
const PROPOSED_YANKED = 3;

/** Every single change that could break `core`: anything else leaves its proof as it is. */
export function candidateChanges(request: ResolveRequest, core: Core, catalogue: Catalogue): PricedChange[] {
  const changes: Change[] = [...rootChanges(request, core, catalogue)];
  for (const fact of factsOf(core.proof)) {
    if (fact.kind === "banned") changes.push(...liftingChanges(request, fact));
    else if (fact.override !== undefined) {
      changes.push({ kind: "drop-override", plugin: fact.target.name, from: fact.override.text });
    }
  }
  return changes.map((change) => ({ change, cost: costs[change.kind] }));
}

function* rootChanges(request: ResolveRequest, core: Core, catalogue: Catalogue): Generator<Change> {
  const roots = new Map(Object.entries(request.roots));
  for (const plugin of core.plugins) {
    const root = roots.get(plugin);
    if (root === undefined) continue;
    const from = rangeOf(root);
    const table = catalogue.table(catalogue.idOf(plugin));
    const range = catalogue.vocabulary.tryRange(from);
    const leavesChoice = range !== undefined && !equals(table.matching(range), table.present);
    const isOverridden = Object.hasOwn(request.policy?.overrides ?? {}, plugin);
    if (leavesChoice && !isUnlimited(range) && !isOverridden) {
      yield { kind: "relax-root", plugin, from, to: "*", isDowngrade: false };
    }
    // Without any root there is nothing left to solve: that is no fix.
    if (roots.size > 1) yield { kind: "drop-root", plugin, from };
  }
}

/** What a reader could do about a ban, if anything: a revocation and the host itself cannot be argued with. */
function* liftingChanges(request: ResolveRequest, fact: Extract<Fact, { kind: "banned" }>): Generator<Change> {
  const { target, ban } = fact;
  const plugin = target.name;
  if (ban.kind === "constraint") yield { kind: "drop-constraint", plugin, from: ban.range.text };
  if (ban.kind === "prerelease") yield { kind: "allow-prereleases" };
  if (ban.kind === "age") yield { kind: "exempt-from-age", plugin };
  if (ban.kind !== "yanked") return;
  if (ban.isAbsolute) yield { kind: "allow-yanked" };
  else yield* pins(plugin, rootRange(request, plugin), yankedVersions(fact));
}

function* pins(plugin: string, from: string | undefined, versions: readonly string[]): Generator<Change> {
  for (const to of versions) yield { kind: "pin-yanked", plugin, ...(from !== undefined && { from }), to };
}

/** The newest yanked releases, newest first. */
function yankedVersions({ target, set }: Extract<Fact, { kind: "banned" }>): string[] {
  const versions: string[] = [];
  for (let index = set.length - 2; index >= 0; index -= 2) {
    for (let place = (set[index + 1] as number) - 1; place >= (set[index] as number); place -= 1) {
      if (versions.length === PROPOSED_YANKED) return versions;
      versions.push(target.versions[place]?.text as string);
    }
  }
  return versions;
}

/** The request after the changes. Gives back `request.policy` itself when no change concerns it. */
export function applyChanges(request: ResolveRequest, changes: readonly Change[]): ResolveRequest {
  let { roots, policy } = request;
  for (const change of changes) {
    roots = changeRoots(roots, change);
    policy = changePolicy(policy, change);
  }
  return { ...request, roots, ...(policy !== undefined && { policy }) };
}

function changeRoots(roots: Requirements, change: Change): Requirements {
  switch (change.kind) {
    case "relax-root":
    case "pin-yanked":
      return withEntry(roots, change.plugin, change.to);
    case "drop-root":
      return withoutEntry(roots, change.plugin);
    default:
      return roots;
  }
}

function changePolicy(policy: Policy | undefined, change: Change): Policy | undefined {
  switch (change.kind) {
    case "allow-yanked":
      return { ...policy, yanked: "allow" };
    case "allow-prereleases":
      return { ...policy, prerelease: "stable-first" };
    case "exempt-from-age":
      return { ...policy, minimumAgeExempt: [...(policy?.minimumAgeExempt ?? []), change.plugin] };
    case "drop-override":
      return { ...policy, overrides: withoutEntry(policy?.overrides ?? {}, change.plugin) };
    case "drop-constraint":
      return { ...policy, constraints: withoutEntry(policy?.constraints ?? {}, change.plugin) };
    default:
      return policy;
  }
}

// Through entries: a plugin may be called `__proto__`, and `Object.fromEntries` never calls a setter.
function withEntry(requirements: Requirements, plugin: string, range: string): Requirements {
  return Object.fromEntries([...Object.entries(requirements).filter(([name]) => name !== plugin), [plugin, range]]);
}

function withoutEntry(requirements: Requirements, plugin: string): Requirements {
  return Object.fromEntries(Object.entries(requirements).filter(([name]) => name !== plugin));
}

function rootRange(request: ResolveRequest, plugin: string): string | undefined {
  const root = new Map(Object.entries(request.roots)).get(plugin);
  return root === undefined ? undefined : rangeOf(root);
}

function rangeOf(requirement: string | Requirement): string {
  return typeof requirement === "string" ? requirement : requirement.range;
}

/** The changes as sentences in the imperative. */
export function describeChanges(changes: readonly Change[]): string {
  return changes.map(describeChange).join(" ");
}

function describeChange(change: Change): string {
  switch (change.kind) {
    case "relax-root":
      return `Require ${nameOf(change)} ${clean(change.to)} instead of ${clean(change.from)}.`;
    case "drop-root":
      return `Do without ${nameOf(change)}.`;
    case "pin-yanked":
      return `Require exactly ${nameOf(change)} ${clean(change.to)}, although it is yanked.`;
    case "allow-yanked":
      return "Let your policy admit yanked releases.";
    case "allow-prereleases":
      return "Let your policy admit pre-releases.";
    case "exempt-from-age":
      return `Exempt ${nameOf(change)} from your policy's minimum age.`;
    case "drop-override":
      return `Drop your policy's override of ${nameOf(change)} (${clean(change.from)}).`;
    case "drop-constraint":
      return `Drop your policy's constraint on ${nameOf(change)} (${clean(change.from)}).`;
  }
}

function nameOf({ plugin }: { readonly plugin: string }): string {
  return describePlugin({ name: plugin });
}

function clean(range: string): string {
  return sanitize(range, 100);
}
