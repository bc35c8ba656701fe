import type { Fact, Incompatibility } from "./incompatibility.ts";

/** Every fact that a proof rests on, once each. */
export function factsOf(proof: Incompatibility): Fact[] {
  return Array.from(partsOf(proof), ({ cause }) => cause).filter((cause) => cause.kind !== "derived");
}

/** A proof and everything that it is derived from. Iterative: proofs can be deep. */
function partsOf(proof: Incompatibility): Set<Incompatibility> {
  const parts = new Set([proof]);
  // A set's iteration reaches what is added on the way.
  for (const { cause } of parts) if (cause.kind === "derived") parts.add(cause.conflict).add(cause.other);
  return parts;
}

/** The plugins that the facts of a proof are about, sorted. */
export function pluginsOf(proof: Incompatibility): string[] {
  const names = new Set<string>();
  for (const fact of factsOf(proof)) {
    names.add(fact.target.name);
    if (fact.kind === "edge") names.add(fact.source.name);
  }
  return Array.from(names).toSorted();
}

/** How many incompatibilities a proof is made of. */
export function lengthOf(proof: Incompatibility): number {
  return partsOf(proof).size;
}
