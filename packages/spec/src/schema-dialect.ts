import { nearMiss, quote, sanitize } from "@berth/base";
import { RE2JS } from "re2js";

import { SpecError } from "./errors.ts";
import type { JsonPath } from "./json-document.ts";

/** A JSON Schema within the dialect: `true`, `false` or an object. Opaque on purpose; tools walk it as JSON. */
export type DialectSchema = boolean | { readonly [keyword: string]: unknown };

/** One departure from the dialect. */
export interface DialectProblem {
  readonly path: JsonPath;
  readonly message: string;
}

/** The dialect's caps. A schema within them validates any value in time linear to the value's size. */
export const DIALECT_LIMITS = {
  /** UTF-16 code units of the schema's JSON text. */
  textLength: 64 * 1024,
  /** Nested subschemas. */
  depth: 32,
  /** Subschemas after every `$ref` is written out: what a validator may visit for one value. */
  subschemas: 2_000,
  /** Patterns in one schema: each is compiled, with repetitions written out, before anything else is known. */
  patterns: 100,
  /** Characters of one `pattern`. */
  patternLength: 512,
  /** Sum of the counts of `{n}` and `{n,m}` in one `pattern`. */
  patternRepetitions: 1_000,
  /** Values in one `enum`. */
  enumValues: 1_000,
} as const;

const TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"];
const SCALAR_TYPES = ["null", "boolean", "number", "integer", "string"];
const DIALECT_URI = "https://json-schema.org/draft/2020-12/schema";

/** What a keyword's value must be. `check` reports its own problems; subschemas are walked by the table. */
interface Keyword {
  readonly expects: string;
  readonly accepts: (value: unknown) => boolean;
  /** Subschemas within the value, with their path below the keyword. */
  readonly subschemas?: (value: unknown) => [JsonPath, unknown][];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isFlag = (value: unknown): boolean => typeof value === "boolean";
const isNameList = (value: unknown): boolean =>
  Array.isArray(value) && value.every(isText) && new Set(value).size === value.length;
const one = (value: unknown): [JsonPath, unknown][] => [[[], value]];
const listed = (value: unknown): [JsonPath, unknown][] =>
  Array.isArray(value) ? value.map((schema, index) => [[index], schema]) : [];
const named = (value: unknown): [JsonPath, unknown][] =>
  isObject(value) ? Object.entries(value).map(([name, schema]) => [[name], schema]) : [];

const isType = (value: unknown): boolean =>
  TYPES.includes(value as string) ||
  (Array.isArray(value) && value.length > 0 && isNameList(value) && value.every((type) => TYPES.includes(type)));

const isPattern = (value: unknown): boolean => {
  if (typeof value !== "string" || value.length > DIALECT_LIMITS.patternLength) return false;
  if (repetitionsOf(value) > DIALECT_LIMITS.patternRepetitions) return false;
  try {
    RE2JS.compile(value);
    return true;
  } catch {
    return false; // RE2JS throws for syntax outside RE2: back references, look-around.
  }
};

/** Counted from the text, before compiling: RE2 bounds nested repetitions, but not how many stand in a row. */
function repetitionsOf(pattern: string): number {
  let sum = 0;
  // `\x{41}` and `\p{Greek}` repeat nothing.
  for (const [, least = "", most = ""] of pattern.matchAll(/(?<!\\[xpP])\{(\d+)(?:,(\d*))?\}/g)) {
    sum += Math.max(Number(least), Number(most));
  }
  return sum;
}

const text: Keyword = { expects: "a text", accepts: isText };
const count: Keyword = { expects: "a whole number, 0 or more", accepts: isCount };
const number: Keyword = { expects: "a finite number", accepts: isNumber };
const flag: Keyword = { expects: "true or false", accepts: isFlag };
const schema: Keyword = { expects: "a schema", accepts: () => true, subschemas: one };
const schemaList: Keyword = {
  expects: "a list of at least one schema",
  accepts: (value) => Array.isArray(value) && value.length > 0,
  subschemas: listed,
};
const schemaTable: Keyword = { expects: "an object of schemas", accepts: isObject, subschemas: named };

/** Every keyword of the dialect. What is not here is refused. */
const KEYWORDS: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  ["$schema", { expects: `"${DIALECT_URI}"`, accepts: (value) => value === DIALECT_URI }],
  ["$defs", schemaTable],
  [
    "$ref",
    { expects: 'a reference within the schema, "#/$defs/NAME"', accepts: (value) => refName(value) !== undefined },
  ],
  ["$comment", text],
  ["title", text],
  ["description", text],
  ["default", { expects: "any value", accepts: () => true }],
  ["examples", { expects: "a list", accepts: Array.isArray }],
  ["deprecated", flag],
  ["format", text],
  ["type", { expects: `one or several of ${TYPES.join(", ")}`, accepts: isType }],
  [
    "enum",
    {
      expects: `a list of 1 to ${DIALECT_LIMITS.enumValues} values`,
      accepts: (value) => Array.isArray(value) && value.length > 0 && value.length <= DIALECT_LIMITS.enumValues,
    },
  ],
  ["const", { expects: "any value", accepts: () => true }],
  ["properties", schemaTable],
  ["required", { expects: "a list of names without repeats", accepts: isNameList }],
  ["additionalProperties", schema],
  ["minProperties", count],
  ["maxProperties", count],
  ["items", schema],
  ["prefixItems", schemaList],
  ["minItems", count],
  ["maxItems", count],
  ["uniqueItems", flag],
  ["minLength", count],
  ["maxLength", count],
  [
    "pattern",
    {
      expects: `a pattern in RE2 syntax of at most ${DIALECT_LIMITS.patternLength} characters and ${DIALECT_LIMITS.patternRepetitions} repetitions`,
      accepts: isPattern,
    },
  ],
  ["minimum", number],
  ["maximum", number],
  ["exclusiveMinimum", number],
  ["exclusiveMaximum", number],
  ["multipleOf", { expects: "a number above 0", accepts: (value) => isNumber(value) && (value as number) > 0 }],
  ["anyOf", schemaList],
  ["oneOf", schemaList],
  ["allOf", schemaList],
  ["not", schema],
]);

/** Every keyword that a plugin's schema may use. */
export const DIALECT_KEYWORDS: readonly string[] = [...KEYWORDS.keys()];

/**
 * Compares a schema with the closed dialect: JSON Schema 2020-12 reduced to keywords that a validator
 * works off in time linear to the value. `format` is annotation only, as in the standard's default.
 * Recursive references are refused, because a schema such as `anyOf` of two references to itself
 * makes validation exponential in the value's depth.
 *
 * Reports at most 20 problems; an empty list means the schema lies within the dialect.
 */
export function checkSchema(root: unknown): DialectProblem[] {
  const problems: DialectProblem[] = [];
  const length = JSON.stringify(root)?.length ?? 0;
  if (length > DIALECT_LIMITS.textLength) {
    return [
      { path: [], message: `the schema is ${length} characters long, at most ${DIALECT_LIMITS.textLength} are read` },
    ];
  }
  const report = (path: JsonPath, message: string): void => {
    if (problems.length < 20) problems.push({ path, message });
  };
  const definitions = new Map<string, unknown>(
    isObject(root) && isObject(root["$defs"]) ? Object.entries(root["$defs"]) : [],
  );
  walk(root, [], 0, { definitions, report, patterns: 0 });
  if (problems.length > 0) return problems;
  const size = writtenOutSize(root, definitions, new Map(), new Set());
  if (size === "recursive") {
    report([], "a $ref leads back to itself; schemas must not be recursive");
  } else if (size > DIALECT_LIMITS.subschemas) {
    report([], `the schema has more than ${DIALECT_LIMITS.subschemas} subschemas once its $refs are written out`);
  }
  return problems;
}

/**
 * @throws SpecError SPEC_SCHEMA_OUTSIDE_DIALECT, with `details.problems` (path and message of each)
 */
export function verifySchema(schemaToCheck: unknown, what: string): asserts schemaToCheck is DialectSchema {
  const problems = checkSchema(schemaToCheck);
  const first = problems[0];
  if (first === undefined) return;
  const place = first.path.length === 0 ? "" : ` at /${first.path.map((step) => sanitize(String(step), 64)).join("/")}`;
  throw new SpecError("SPEC_SCHEMA_OUTSIDE_DIALECT", `${what}${place}: ${first.message}`, { details: { problems } });
}

interface Walk {
  readonly definitions: ReadonlyMap<string, unknown>;
  readonly report: (path: JsonPath, message: string) => void;
  /** Seen so far. */
  patterns: number;
}

function walk(node: unknown, path: JsonPath, depth: number, state: Walk): void {
  const { definitions, report } = state;
  if (typeof node === "boolean") return;
  if (!isObject(node)) return report(path, `expected a schema (an object, true or false), found ${quote(node)}`);
  if (depth > DIALECT_LIMITS.depth) return report(path, `subschemas are nested more than ${DIALECT_LIMITS.depth} deep`);
  for (const [name, value] of Object.entries(node)) {
    const keyword = KEYWORDS.get(name);
    if (keyword === undefined) {
      const near = nearMiss(name, KEYWORDS.keys());
      const suggestion = near === undefined ? "" : `; did you mean ${quote(near)}?`;
      report([...path, name], `the keyword ${quote(name)} is not part of the dialect${suggestion}`);
    } else if (name === "pattern" && (state.patterns += 1) > DIALECT_LIMITS.patterns) {
      report([...path, name], `the schema has more than ${DIALECT_LIMITS.patterns} patterns`);
    } else if (!keyword.accepts(value)) {
      report([...path, name], `${quote(name)} must be ${keyword.expects}, found ${quote(value)}`);
    } else {
      for (const [below, sub] of keyword.subschemas?.(value) ?? []) {
        walk(sub, [...path, name, ...below], depth + 1, state);
      }
    }
  }
  const ref = refName(node["$ref"]);
  if (ref !== undefined && !definitions.has(ref)) {
    report([...path, "$ref"], `${quote(node["$ref"])} points to no definition`);
  }
  if (path.length > 0 && "$defs" in node) report([...path, "$defs"], '"$defs" stands at the top of a schema only');
  if (node["uniqueItems"] === true && !hasScalarItems(node)) {
    report(
      [...path, "uniqueItems"],
      '"uniqueItems" needs "items" with a scalar "type": comparing objects pairwise is quadratic',
    );
  }
}

function hasScalarItems(node: Record<string, unknown>): boolean {
  const items = node["items"];
  if (!isObject(items) || "prefixItems" in node) return false;
  const types = Array.isArray(items["type"]) ? items["type"] : [items["type"]];
  return types.every((type) => SCALAR_TYPES.includes(type as string));
}

function refName(ref: unknown): string | undefined {
  const match = typeof ref === "string" ? /^#\/\$defs\/([A-Za-z0-9_.-]{1,64})$/.exec(ref) : null;
  return match?.[1];
}

/** Subschemas visited for one value at worst; memoised per definition, so the walk itself stays linear. */
function writtenOutSize(
  node: unknown,
  definitions: ReadonlyMap<string, unknown>,
  known: Map<string, number>,
  open: Set<string>,
): number | "recursive" {
  if (!isObject(node)) return 1;
  let size = 1;
  for (const [name, value] of Object.entries(node)) {
    if (name === "$defs") {
      // Counted where they are referred to. A recursion among definitions that nothing uses is refused as well.
      for (const definition of Object.keys(value as object)) {
        if (definitionSize(definition, definitions, known, open) === "recursive") return "recursive";
      }
      continue;
    }
    for (const [, sub] of KEYWORDS.get(name)?.subschemas?.(value) ?? []) {
      const below = writtenOutSize(sub, definitions, known, open);
      if (below === "recursive") return "recursive";
      size += below;
    }
    const ref = name === "$ref" ? refName(value) : undefined;
    if (ref !== undefined) {
      const below = definitionSize(ref, definitions, known, open);
      if (below === "recursive") return "recursive";
      size += below;
    }
  }
  return size;
}

function definitionSize(
  name: string,
  definitions: ReadonlyMap<string, unknown>,
  known: Map<string, number>,
  open: Set<string>,
): number | "recursive" {
  const before = known.get(name);
  if (before !== undefined) return before;
  if (open.has(name)) return "recursive";
  open.add(name);
  const size = writtenOutSize(definitions.get(name), definitions, known, open);
  open.delete(name);
  if (size !== "recursive") known.set(name, size);
  return size;
}
