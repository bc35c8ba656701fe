import type { Program } from "oxc-parser";
import { Evaluation, type Semantics, type Visitors } from "./evaluation.ts";
import { evaluateNode } from "./expressions.ts";
import type { Facts } from "./facts.ts";
import { executeNode } from "./statements.ts";

/** Passes over the syntax until what is known stops growing. */
const MAX_PASSES = 4;
const MAX_PASSES_LARGE = 2;
const LARGE_FILE = 60_000;

const semantics: Semantics = { evaluate: evaluateNode, execute: executeNode };

/**
 * Follows the values of a program through assignments, calls, closures and encodings, without running it.
 *
 * It is an abstract interpretation, insensitive to order: each name holds everything that is ever
 * stored under it. Passes repeat until nothing changes (at most four times); the facts of the last pass
 * count. Work, depth and folding are bounded, so that time is linear in the size of the file.
 */
export function factsOf(text: string, program: Program, visitors: Visitors): Facts {
  const evaluation = new Evaluation(text, semantics);
  const passes = text.length > LARGE_FILE ? MAX_PASSES_LARGE : MAX_PASSES;
  try {
    for (let pass = 1; pass <= passes; pass += 1) {
      // Syntax alone never changes between passes: rules on nodes see the first one only.
      evaluation.follow(program, pass === 1 ? visitors : new Map());
      if (!evaluation.changed) break;
    }
  } catch (error) {
    // Syntax nested to exhaust the stack of this thread; whatever else is thrown is a defect of ours.
    if (!(error instanceof RangeError)) throw error;
    evaluation.facts.skipped.push({ start: 0, end: text.length });
  }
  return evaluation.facts;
}
