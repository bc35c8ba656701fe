import { covers, uncoveredParameter } from "@berth/spec";
import type { Permission } from "@berth/spec";

import type { PluginPolicy } from "../policy.ts";

/** The four parties that must all agree, in the order in which they are asked. */
export const TERMS = ["manifest", "policy", "grant", "caller"] as const;

/** Who denied. */
export type Term = (typeof TERMS)[number];

/** What each party allows. */
export interface RightTerms {
  readonly manifest: readonly Permission[];
  readonly policy: PluginPolicy;
  readonly grants: readonly Permission[];
  /** What the caller may do; `undefined`: the embedding program does not limit its callers. */
  readonly caller: readonly Permission[] | undefined;
}

/** A right that does not hold. */
export interface Denial {
  readonly term: Term;
  /** The parameter that is too narrow; `undefined` when the permission is missing altogether. */
  readonly parameter: string | undefined;
  /** The plugin among the callers that may not do it, when one plugin called another. */
  readonly callerPlugin?: string | undefined;
}

/** A right that holds, and the permissions of the parties that it rests on. */
export interface Right {
  readonly grant: Permission;
  readonly bases: readonly Permission[];
}

/** How a held permission looks with regard to what is wanted; `undefined` when it has nothing to do with it. */
export type Lens = (held: Permission) => Permission | undefined;

const asItIs: Lens = (held) => held;

/**
 * The right at a call: manifest ∩ policy ∩ grant ∩ caller. Each party must cover what is wanted by one
 * permission of its own.
 */
export function decideRight(wanted: Permission, terms: RightTerms, lens: Lens = asItIs): Right | Denial {
  const bases: Permission[] = [];
  const among = (term: Term, held: readonly Permission[]): Permission | Denial => {
    const ofName = held.filter(({ name }) => name === wanted.name);
    const found = ofName.find((each) => {
      const seen = lens(each);
      return seen !== undefined && covers(seen, wanted);
    });
    if (found !== undefined) return found;
    const [nearest] = ofName;
    const seen = nearest && (lens(nearest) ?? nearest);
    return { term, parameter: seen && uncoveredParameter(seen, wanted) };
  };

  const manifest = among("manifest", terms.manifest);
  if ("term" in manifest) return manifest;
  bases.push(manifest);
  if (terms.policy.deny.has(wanted.name)) return { term: "policy", parameter: undefined };
  for (const ceilings of terms.policy.ceilings) {
    if (!ceilings.some(({ name }) => name === wanted.name)) continue;
    const ceiling = among("policy", ceilings);
    if ("term" in ceiling) return ceiling;
    bases.push(ceiling);
  }
  const grant = among("grant", terms.grants);
  if ("term" in grant) return grant;
  bases.push(grant);
  if (terms.caller !== undefined) {
    const caller = among("caller", terms.caller);
    if ("term" in caller) return caller;
    bases.push(caller);
  }
  return { grant, bases };
}

export function isDenial(decision: Right | Denial): decision is Denial {
  return "term" in decision;
}

/** An amount of a right: the least that any of its parties allows. */
export function amountOf({ bases }: Right, parameter: string): number {
  return leastOf(bases, parameter);
}

/** An amount within a service of `platform_services`, such as `perHour` of `events`: the least of all parties. */
export function serviceAmountOf({ bases }: Right, service: string, parameter: string): number {
  return leastOf(
    bases.map((base) => (base as Readonly<Record<string, unknown>>)[service] ?? {}),
    parameter,
  );
}

function leastOf(bases: readonly unknown[], parameter: string): number {
  const amounts = bases.map((base) => (base as Readonly<Record<string, unknown>>)[parameter]);
  return Math.min(...amounts.filter((amount) => typeof amount === "number"));
}
