/** One demand or statement of a text: a sentence or a list item. */
export interface Sentence {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  readonly isListItem: boolean;
}

const LIST_ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)]|\[[ xX]\])\s+(?:\[[ xX]\]\s+)?/;
const HEADING = /^\s*#{1,6}\s/;
/** Ends of sentences: a mark, white space, and then something that begins a sentence. */
const BREAK = /(?<=[.!?])\s+(?=["'(]?[\p{Lu}\p{N}])/u;
/** Words whose full stop ends nothing. */
const ABBREVIATION = /(?:^|\s)(?:e\.g|i\.e|etc|vs|approx|no|fig|mr|mrs|dr|st)\.$/i;

/** Takes a text apart; headings and blocks of code are left out. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let isCode = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:```|~~~)/.test(raw)) isCode = !isCode;
    else if (!isCode && !HEADING.test(raw)) {
      const isListItem = LIST_ITEM.test(raw);
      for (const part of split(raw.replace(LIST_ITEM, "").trim()))
        sentences.push({ text: part, line: index + 1, isListItem });
    }
  }
  return sentences;
}

function split(line: string): string[] {
  const parts: string[] = [];
  for (const part of line.split(BREAK)) {
    const before = parts.at(-1);
    if (before !== undefined && ABBREVIATION.test(before)) parts[parts.length - 1] = `${before} ${part}`;
    else if (part !== "") parts.push(part);
  }
  return parts;
}

/** Whether any of the words stands in the text as a word of its own. */
export function hasWord(text: string, words: readonly string[]): boolean {
  return words.some((word) => wordPattern(word).test(text));
}

/** The words that stand in the text, in the order of the list. */
export function wordsIn(text: string, words: readonly string[]): string[] {
  return words.filter((word) => wordPattern(word).test(text));
}

const patterns = new Map<string, RegExp>();

function wordPattern(word: string): RegExp {
  let pattern = patterns.get(word);
  if (pattern === undefined) {
    pattern = new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, "iu");
    patterns.set(word, pattern);
  }
  return pattern;
}

/** Cut to a length, with an ellipsis where something was cut. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
