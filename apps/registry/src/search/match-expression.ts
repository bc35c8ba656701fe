import { CAPABILITIES, CATEGORIES, PRICING_MODELS, SECURITY_LEVELS, isIdPart, tryParsePluginId } from "@berth/spec";
import type { PluginCard } from "@berth/spec";

/**
 * Expressions for FTS5. Whatever a user typed gets in here as single words in quotes, made of letters and
 * digits only, so there is no operator, column or quote among them.
 */
export type MatchExpression = string;

/** Filters as they were asked for; within a list any value matches, and every list must. */
export interface Filters {
  readonly category: readonly string[];
  readonly tag: readonly string[];
  readonly capability: readonly string[];
  readonly level: readonly string[];
  readonly pricing: readonly string[];
}

const MAX_WORDS = 8;
const MAX_WORD_LENGTH = 64;
const MIN_PREFIX_LENGTH = 2;

/*
 * The index has one column, and words of several kinds in it. A word of a text stands as it is; the
 * others begin with a character for private use, which no text has after normalising. So each condition
 * has a list of its own in the index, as long as the plugins that satisfy it are many and no longer.
 */
const NAME_WORD = "\uE001";
const NAME_OR_TAG_WORD = "\uE002";
const TAG = "\uE003";
const NAME = "\uE004";
/** Values of facets are one character each, counted from here. */
const FACET_CODES = { category: 0xe100, capability: 0xe140, level: 0xe180, pricing: 0xe1c0 } as const;
const FACET_VALUES = {
  category: CATEGORIES,
  capability: CAPABILITIES,
  level: SECURITY_LEVELS,
  pricing: PRICING_MODELS,
} as const satisfies Record<keyof typeof FACET_CODES, readonly string[]>;

/**
 * Text as the index sees it: letters and digits, lower case, without accents, one blank between words.
 * Both sides go through here and FTS5 splits at blanks alone, so neither can disagree about what a word is.
 */
export function normalizeText(text: string): string {
  const plain = text.toWellFormed().normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.slice(0, MAX_WORD_LENGTH).toWellFormed()).join(" ");
}

const split = (normalized: string): string[] => normalized.split(" ").filter((word) => word !== "");

/** The words of a query. */
export const wordsOf = (text: string): string[] => [...new Set(split(normalizeText(text)))].slice(0, MAX_WORDS);

/** A name or tag as one word: hyphens would split it. */
const joined = (name: string): string => name.replaceAll("-", "\uE000");

/** A value of a facet as one word. */
export const facetWord = (facet: keyof typeof FACET_CODES, value: string): string =>
  String.fromCharCode(FACET_CODES[facet] + (FACET_VALUES[facet] as readonly string[]).indexOf(value));

/** Everything by which a plugin can be found, as the text that is indexed. */
export function indexedText(card: PluginCard): string {
  const { id, displayName, description, categories, tags, capabilities, level, pricing } = card;
  const [, name = ""] = id.split(".");
  const nameWords = split(normalizeText(`${id} ${displayName}`));
  const tagWords = split(normalizeText([...tags, ...categories].join(" ")));
  const words = [
    ...nameWords,
    ...tagWords,
    ...split(normalizeText(description)),
    ...nameWords.map((word) => NAME_WORD + word),
    ...[...nameWords, ...tagWords].map((word) => NAME_OR_TAG_WORD + word),
    ...tags.map((tag) => TAG + joined(tag)),
    NAME + joined(name),
    ...categories.map((value) => facetWord("category", value)),
    ...capabilities.map((value) => facetWord("capability", value)),
    facetWord("level", level),
    facetWord("pricing", pricing.model),
  ];
  return [...new Set(words)].join(" ");
}

const quoted = (word: string): string => `"${word}"`;

const all = (words: readonly string[], kind = ""): string =>
  `(${words.map((word) => quoted(kind + word)).join(" AND ")})`;

/** Any of these words. */
export const anyOf = (words: readonly string[]): MatchExpression => `(${words.map(quoted).join(" OR ")})`;

/** The filters as a condition, or nothing when there are none. */
export function filterExpression({ tag, ...facets }: Filters): MatchExpression | undefined {
  const lists = [
    tag.map((value) => TAG + joined(value)),
    ...(Object.entries(facets) as [keyof typeof FACET_CODES, readonly string[]][]).map(([facet, values]) =>
      values.map((value) => facetWord(facet, value)),
    ),
  ];
  const parts = lists.filter((words) => words.length > 0).map(anyOf);
  return parts.length === 0 ? undefined : both(...parts);
}

/**
 * A query as conditions, best first. Each one holds for everything that the one before holds for, but
 * `exact`, which stands alone. None scores anything: within each, the most used come first.
 */
export interface QueryConditions {
  /** The plugin whose id or name is what was typed. */
  readonly exact?: MatchExpression;
  readonly inName: MatchExpression;
  readonly inNameOrTags: MatchExpression;
  readonly anywhere: MatchExpression;
  /** Where the last word may be the beginning of one: somebody is still typing. */
  readonly withBeginning?: MatchExpression;
  /** The last word alone. */
  readonly lastWord: MatchExpression;
}

/** The conditions of what a user typed; `undefined` when there is no word in it. */
export function conditionsOf(text: string): QueryConditions | undefined {
  const words = wordsOf(text);
  if (words.length === 0) return undefined;
  const exact = exactName(text);
  const withBeginning = beginningExpression(words);
  return {
    ...(exact !== undefined && { exact }),
    inName: all(words, NAME_WORD),
    inNameOrTags: all(words, NAME_OR_TAG_WORD),
    anywhere: all(words),
    lastWord: anyOf(words.slice(-1)),
    ...(withBeginning !== undefined && { withBeginning }),
  };
}

/** What the first condition holds for and none of the others. */
export function without(
  expression: MatchExpression,
  ...others: readonly (MatchExpression | undefined)[]
): MatchExpression {
  const known = others.filter((each) => each !== undefined);
  return known.length === 0 ? expression : `(${expression} NOT (${known.join(" OR ")}))`;
}

/** All of these conditions at once. */
export const both = (...expressions: readonly (MatchExpression | undefined)[]): MatchExpression =>
  expressions.filter((each) => each !== undefined).join(" AND ");

function beginningExpression(words: readonly string[]): MatchExpression | undefined {
  const last = words.at(-1) ?? "";
  if (last.length < MIN_PREFIX_LENGTH) return undefined;
  return `(${[...words.slice(0, -1).map(quoted), `${quoted(last)} *`].join(" AND ")})`;
}

/** A plugin whose id or name is exactly what was typed. */
function exactName(text: string): MatchExpression | undefined {
  const typed = text.trim().toLowerCase();
  if (isIdPart(typed)) return anyOf([NAME + joined(typed)]);
  const id = tryParsePluginId(typed);
  if (id === undefined) return undefined;
  return `(${anyOf([NAME + joined(id.name)])} AND ${all(wordsOf(id.publisher), NAME_WORD)})`;
}
