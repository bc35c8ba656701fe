import { fold } from "./glossary.ts";
import type { Term } from "./glossary.ts";

/** A place of a text where a term stands. */
export interface Hit {
  /** In UTF-16 code units, as `String.prototype.slice` counts. */
  readonly start: number;
  readonly end: number;
  readonly found: string;
  readonly term: Term;
}

/** Scripts that write no spaces between words: a term may begin and end anywhere. */
const WITHOUT_SPACES = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const WORD = /[\p{L}\p{M}\p{N}]/u;
const TOKEN = /[\p{L}\p{M}\p{N}]+|\s+|[^\p{L}\p{M}\p{N}\s]/gu;

/**
 * Finds terms as whole words, the longest one first, none inside another. Walks the text's words once and
 * looks each start up by its first word, so the time does not depend on the size of the glossary.
 */
export function findTerms(text: string, terms: readonly Term[]): Hit[] {
  const byFirst = new Map<string, { words: string[]; term: Term }[]>();
  for (const term of terms) {
    const words = wordsOf(fold(term.source));
    const [first] = words;
    if (first === undefined) continue;
    const entry = byFirst.get(first) ?? [];
    entry.push({ words, term });
    byFirst.set(first, entry);
  }
  for (const entry of byFirst.values()) entry.sort((a, b) => b.words.length - a.words.length);
  const tokens = [...tokensOf(text)];
  const hits: Hit[] = [];
  for (let at = 0; at < tokens.length;) {
    const hit = matchAt(tokens, at, byFirst);
    if (hit === undefined) at += 1;
    else {
      const start = tokens[at]?.start ?? 0;
      const end = tokens[hit.last]?.end ?? start;
      hits.push({ start, end, found: text.slice(start, end), term: hit.term });
      at = hit.last + 1;
    }
  }
  return hits;
}

interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words, marks and single characters of scripts without spaces; white space becomes one blank. */
function* tokensOf(text: string): Generator<Token> {
  for (const { 0: match, index } of text.matchAll(TOKEN)) {
    if (!WORD.test(match) || !WITHOUT_SPACES.test(match)) {
      yield { text: fold(match) || " ", start: index, end: index + match.length };
      continue;
    }
    let start = index;
    for (const character of match) {
      yield { text: fold(character), start, end: start + character.length };
      start += character.length;
    }
  }
}

const wordsOf = (text: string): string[] => [...tokensOf(text)].map((token) => token.text);

function matchAt(
  tokens: readonly Token[],
  at: number,
  byFirst: ReadonlyMap<string, readonly { words: string[]; term: Term }[]>,
): { last: number; term: Term } | undefined {
  const candidates = byFirst.get(tokens[at]?.text ?? "");
  const match = candidates?.find(({ words }) => words.every((word, index) => tokens[at + index]?.text === word));
  return match && { last: at + match.words.length - 1, term: match.term };
}

/** A term's translation in the case in which the term was found. */
export function translationOf({ found, term }: Hit): string {
  const { source, target, keepCase = false } = term;
  if (keepCase || found === source) return target;
  if (found.length > 1 && found === found.toUpperCase() && found !== found.toLowerCase()) return target.toUpperCase();
  const [first = ""] = found;
  const isRaised = first !== first.toLowerCase() && source.startsWith(first.toLowerCase());
  const [initial = "", ...rest] = target;
  return isRaised ? initial.toUpperCase() + rest.join("") : target;
}
