import type { Plugin } from "./berth.gen.js";
import { findTerms, translationOf } from "./find-terms.ts";
import type { Term } from "./glossary.ts";

type Actions = Plugin["actions"];

/** A mark that looks like a name, which translation machines carry over as it is. */
const MARK = /XTERM(\d{1,6})X/g;

/** Replaces each term by a mark. A text that holds such a mark already is refused: it could not be told apart. */
export function protect(text: string, terms: readonly Term[]): Actions["protect"]["output"] {
  const [clash] = text.match(MARK) ?? [];
  if (clash !== undefined) throw new Error(`the text holds ${clash} already, which is how terms are marked`);
  const marks: string[] = [];
  let marked = "";
  let last = 0;
  for (const hit of findTerms(text, terms)) {
    marked += `${text.slice(last, hit.start)}XTERM${marks.length}X`;
    marks.push(translationOf(hit));
    last = hit.end;
  }
  return { text: marked + text.slice(last), marks };
}

/** Puts translations where the marks stand; tells which were lost or came twice on the way. */
export function restore({ text, marks }: Actions["restore"]["input"]): Actions["restore"]["output"] {
  const counts = marks.map(() => 0);
  const restored = text.replaceAll(MARK, (mark, digits: string) => {
    const index = Number(digits);
    const translation = marks[index];
    if (translation === undefined) return mark;
    counts[index] = (counts[index] ?? 0) + 1;
    return translation;
  });
  return {
    text: restored,
    missing: marks.filter((_, index) => counts[index] === 0),
    repeated: marks.filter((_, index) => (counts[index] ?? 0) > 1),
  };
}

/** Terms of the source whose translation stands in the translation less often than they were asked for. */
export function check(source: string, translation: string, terms: readonly Term[]): Actions["check"]["output"] {
  const wanted = new Map<Term, number>();
  for (const { term } of findTerms(source, terms)) wanted.set(term, (wanted.get(term) ?? 0) + 1);
  const targets = [...wanted.keys()].map((term) => ({ source: term.target, target: term.target }));
  const found = new Map<string, number>();
  for (const { term } of findTerms(translation, targets)) found.set(term.target, (found.get(term.target) ?? 0) + 1);
  const missing = [...wanted]
    .map(([term, expected]) => ({
      source: term.source,
      target: term.target,
      expected,
      found: found.get(term.target) ?? 0,
    }))
    .filter((each) => each.found < each.expected);
  return { missing, isComplete: missing.length === 0 };
}
