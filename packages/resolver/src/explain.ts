import { describeConclusion, describeRequirement, joinWords } from "./describe.ts";
import { describeFact, describeFacts, describeLoneFact } from "./describe-fact.ts";
import type { Derivation, Fact, Incompatibility } from "./incompatibility.ts";
import { factsOf } from "./proof.ts";
import { reportFact } from "./report-fact.ts";
import type { Explanation, ExplanationLine } from "./resolution.ts";
import { isPositive } from "./term.ts";

/** Sentences that a reader can follow. */
export const EXPLAINED_LINES = 30;

/** Of a longer proof, only the last sentences are shown. */
const SHOWN_OF_LONGER = 20;

/** A proof with more derivations than this is not written out at all before it is cut. */
const WRITTEN_DERIVATIONS = 2000;

/**
 * Writes a proof as a chain of sentences, each of which follows from facts and from sentences before it.
 * See docs/solver.md, "Explanations".
 */
export function explainProof(proof: Incompatibility): Explanation {
  const uses = countUses(proof);
  const facts = factsOf(proof);
  const isWritten = uses.size <= WRITTEN_DERIVATIONS;
  const all = isWritten ? new ProofWriter(proof, uses).write() : [];
  const lines = lastLines(all);
  const omittedLines = isWritten ? all.length - lines.length : uses.size;
  const opening = omittedLines === 0 ? [] : [describeOmission(facts, omittedLines, lines.length)];
  return {
    text: [...opening, ...lines.map(({ text }) => text)].join("\n"),
    lines,
    omittedLines,
    facts: facts.map(reportFact),
  };
}

/** The last sentences, without references to those that are left out. */
function lastLines(all: readonly ExplanationLine[]): ExplanationLine[] {
  if (all.length <= EXPLAINED_LINES) return [...all];
  const omitted = all.slice(0, -SHOWN_OF_LONGER).filter(({ number }) => number !== undefined);
  return all.slice(-SHOWN_OF_LONGER).map(({ text, number }) => ({
    text: omitted.reduce((kept, line) => kept.replaceAll(` (${line.number})`, ""), text),
    number,
  }));
}

/**
 * Explains the most telling of what was learned before a search was stopped: the claim about the fewest
 * plugins. `undefined` when nothing was learned.
 */
export function explainClues(clues: readonly Incompatibility[]): Explanation | undefined {
  const [best] = clues.toSorted((a, b) => a.terms.length - b.terms.length);
  return best === undefined ? undefined : explainProof(best);
}

/** What stands in place of the sentences that are left out: what is required, and how much is missing. */
function describeOmission(facts: readonly Fact[], omitted: number, shown: number): string {
  const roots = facts
    .filter((fact) => fact.kind === "root")
    .map(({ target, range }) => describeRequirement(target, range))
    .toSorted();
  const named = roots.length > 8 ? [...roots.slice(0, 7), `${roots.length - 7} more`] : roots;
  const required =
    named.length === 0 ? "" : `You require ${joinWords(named)}; the releases that this allows exclude each other. `;
  return shown === 0
    ? `${required}The proof has ${omitted} steps, too many to print.`
    : `${required}The proof has ${omitted + shown} sentences, of which these are the last ${shown}: …`;
}

/** An incompatibility with a derivation. */
type Derived = Incompatibility & { readonly cause: Derivation };

function isDerived(incompatibility: Incompatibility): incompatibility is Derived {
  return incompatibility.cause.kind === "derived";
}

class ProofWriter {
  readonly #proof: Incompatibility;
  readonly #lines: ExplanationLine[] = [];
  /** The number of the sentence that concluded an incompatibility. */
  readonly #numbers = new Map<Incompatibility, number>();
  readonly #uses: ReadonlyMap<Incompatibility, number>;

  constructor(proof: Incompatibility, uses: ReadonlyMap<Incompatibility, number>) {
    this.#proof = proof;
    this.#uses = uses;
  }

  write(): ExplanationLine[] {
    if (isDerived(this.#proof)) this.#visit(this.#proof);
    else this.#lines.push({ text: describeLoneFact(this.#proof.cause as Fact), number: undefined });
    return this.#lines;
  }

  /** Writes what `derived` rests on, then the sentence that concludes it. */
  #visit(derived: Derived, isReferredTo = false): void {
    const isNumbered = isReferredTo || (this.#uses.get(derived) ?? 0) > 1;
    const { conflict, other } = derived.cause;
    if (isDerived(conflict) && isDerived(other)) this.#concludeFromTwo(derived, conflict, other, isNumbered);
    else if (isDerived(conflict)) this.#concludeFromOne(derived, conflict, other, isNumbered);
    else if (isDerived(other)) this.#concludeFromOne(derived, other, conflict, isNumbered);
    else this.#say(derived, "Because", describeFacts(conflict.cause as Fact, other.cause as Fact), isNumbered);
  }

  #concludeFromTwo(derived: Derived, one: Derived, two: Derived, isNumbered: boolean): void {
    if (this.#numbers.has(one) && this.#numbers.has(two)) {
      this.#say(derived, "Because", `${this.#refer(one)} and ${this.#refer(two)}`, isNumbered);
    } else if (this.#numbers.has(one) || this.#numbers.has(two)) {
      const [said, unsaid] = this.#numbers.has(one) ? [one, two] : [two, one];
      this.#visit(unsaid);
      this.#say(derived, this.#link(derived), this.#refer(said), isNumbered);
    } else {
      // The longer branch first; then the one sentence of the other branch and the conclusion stay together.
      const [first, second] = this.#isOneSentence(one) && !this.#isOneSentence(two) ? [two, one] : [one, two];
      const isShort = this.#isOneSentence(second);
      this.#visit(first, !isShort);
      // The first branch may have rested on the second, which then has been said.
      if (this.#numbers.has(second)) this.#say(derived, this.#link(derived), this.#refer(second), isNumbered);
      else {
        this.#visit(second);
        if (isShort) this.#say(derived, "Thus", undefined, isNumbered);
        else this.#say(derived, this.#link(derived), this.#refer(first), isNumbered);
      }
    }
  }

  #concludeFromOne(derived: Derived, inner: Derived, fact: Incompatibility, isNumbered: boolean): void {
    if (this.#numbers.has(inner)) {
      this.#say(derived, "Because", `${describeFact(fact.cause as Fact)} and ${this.#refer(inner)}`, isNumbered);
      return;
    }
    const folded = this.#tryFold(inner);
    if (folded === undefined) {
      this.#visit(inner);
      this.#say(derived, this.#link(derived), describeFact(fact.cause as Fact), isNumbered);
      return;
    }
    this.#visit(folded.inner);
    this.#say(derived, this.#link(derived), describeFacts(folded.fact.cause as Fact, fact.cause as Fact), isNumbered);
  }

  /**
   * Two facts that are used one after the other read better in one sentence: gives the fact and the
   * derivation behind `inner` when the sentence that would conclude `inner` can be left out.
   */
  #tryFold(inner: Derived): { inner: Derived; fact: Incompatibility } | undefined {
    if ((this.#uses.get(inner) ?? 0) > 1) return undefined;
    const { conflict, other } = inner.cause;
    if (isDerived(conflict) === isDerived(other)) return undefined;
    const [derived, fact] = isDerived(conflict) ? [conflict, other] : [other as Derived, conflict];
    return this.#numbers.has(derived) ? undefined : { inner: derived, fact };
  }

  #isOneSentence({ cause }: Derived): boolean {
    return !isDerived(cause.conflict) && !isDerived(cause.other);
  }

  #link(derived: Derived): string {
    return derived === this.#proof ? "So, because" : "And because";
  }

  #refer(incompatibility: Incompatibility): string {
    return `${describeConclusion(incompatibility)} (${this.#numbers.get(incompatibility)})`;
  }

  #say(derived: Derived, link: string, reason: string | undefined, isNumbered: boolean): void {
    const number = isNumbered && derived !== this.#proof ? this.#numbers.size + 1 : undefined;
    if (number !== undefined) this.#numbers.set(derived, number);
    const mark = number === undefined ? "" : ` (${number})`;
    const because = reason === undefined ? `${link},` : `${link} ${reason},`;
    // "because you require a, b and c cannot be used together" would read as a list of three.
    const lead = reason !== undefined && derived.terms.filter(isPositive).length > 1 ? " it follows that" : "";
    this.#lines.push({ text: `${because}${lead} ${describeConclusion(derived)}${mark}.`, number });
  }
}

/** How often each incompatibility is used in the derivation of another. Iterative: proofs can be deep. */
function countUses(proof: Incompatibility): Map<Incompatibility, number> {
  const uses = new Map<Incompatibility, number>();
  const open = [proof];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const count = uses.get(next) ?? 0;
    uses.set(next, count + 1);
    if (count === 0 && isDerived(next)) open.push(next.cause.conflict, next.cause.other);
  }
  return uses;
}
