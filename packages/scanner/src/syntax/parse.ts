import type { Program } from "oxc-parser";
import { measureNesting } from "./nesting.ts";
import { loadParser } from "./node-parser.ts";

export type Dialect = "js" | "jsx" | "ts" | "tsx";

export interface Comment {
  readonly type: "Line" | "Block";
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

export type Parsed =
  | { readonly kind: "program"; readonly program: Program; readonly comments: readonly Comment[] }
  | { readonly kind: "refused"; readonly reason: string; readonly start: number };

/**
 * Limits that keep the native parser's stack bounded; measured with a factor of two to spare on a
 * thread with a stack of 4 MiB, for every construct of the grammar that nests.
 */
const MAX_DEPTH = 800;
const MAX_CHAIN = 2500;

/** Parses one file; what cannot be parsed is an answer, never an exception. */
export function parseProgram(text: string, dialect: Dialect): Parsed {
  const nesting = measureNesting(text);
  if (nesting.depth > MAX_DEPTH || nesting.chain > MAX_CHAIN) {
    return {
      kind: "refused",
      reason: `it nests more deeply than any honest program (${nesting.depth} brackets, ${nesting.chain} operators)`,
      start: 0,
    };
  }
  const first = attempt(text, dialect);
  if (first.kind === "program" || dialect === "tsx") return first;
  // The extension may lie, and `.js` files do hold JSX: one more dialect is tried before giving up.
  const second = attempt(text, dialect === "js" ? "jsx" : "tsx");
  return second.kind === "program" ? second : first;
}

function attempt(text: string, lang: Dialect): Parsed {
  const asModule = parse(text, lang, "module");
  if (asModule.kind === "program") return asModule;
  // Sloppy scripts (`with`, octal literals, `await` as a name) and CommonJS with a top-level `return`.
  const asScript = parse(text, lang, "commonjs");
  return asScript.kind === "program" ? asScript : asModule;
}

function parse(text: string, lang: Dialect, sourceType: "module" | "commonjs"): Parsed {
  const result = loadParser().parseSync(`file.${lang}`, text, { lang, sourceType, preserveParens: false });
  const [error] = result.errors;
  if (error !== undefined) return { kind: "refused", reason: error.message, start: error.labels[0]?.start ?? 0 };
  return { kind: "program", program: result.program, comments: result.comments };
}
