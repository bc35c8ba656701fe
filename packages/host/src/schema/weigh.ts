import type { DialectSchema } from "@berth/spec";

/** What compiles and compares within some milliseconds; beyond it another thread does. */
const MAX_WEIGHT = 1_000;
const MAX_COST = 500_000;
/** A state of a pattern costs this many keywords, measured. */
const STATE_WEIGHT = 6;
/** Members that say nothing about values. */
const SILENT: ReadonlySet<string> = new Set(["$defs", "$comment", "title", "description", "default", "examples"]);

/** By schema: a manifest keeps its own as long as its release runs. */
const weights = new WeakMap<object, number>();

/**
 * Whether values of so many bytes may be compared with a schema in the embedding program's thread. Both come from
 * plugins, and the dialect bounds each alone: a thousand keywords times half a million items is seconds.
 */
export function isLight(schema: DialectSchema, sizeBytes: number): boolean {
  if (typeof schema === "boolean") return true;
  let weight = weights.get(schema);
  if (weight === undefined) weights.set(schema, (weight = weighSchema(schema)));
  return weight <= MAX_WEIGHT && weight * sizeBytes <= MAX_COST;
}

/** Keywords, choices and states of patterns that one value may meet, with every `$ref` written out. */
export function weighSchema(schema: DialectSchema): number {
  const defs = (typeof schema === "object" ? schema["$defs"] : undefined) as
    | Readonly<Record<string, unknown>>
    | undefined;
  const known = new Map<string, number>();
  const weigh = (value: unknown): number => {
    if (typeof value === "string") return 1 + value.length / 16;
    if (typeof value !== "object" || value === null) return 1;
    if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + weigh(each), 1);
    let sum = 1;
    for (const [name, member] of Object.entries(value)) {
      if (name === "$ref") sum += weighDefinition(String(member));
      else if (name === "pattern") sum += STATE_WEIGHT * statesOf(String(member));
      else if (name === "patternProperties")
        for (const [pattern, below] of Object.entries(member as object))
          sum += STATE_WEIGHT * statesOf(pattern) + weigh(below);
      else if (!SILENT.has(name)) sum += weigh(member);
    }
    return sum;
  };
  // The dialect refuses references that lead back to themselves; one that does all the same weighs what it took so far.
  const weighDefinition = (reference: string): number => {
    const name = reference.slice("#/$defs/".length);
    let weight = known.get(name);
    if (weight === undefined) {
      known.set(name, 1);
      weight = weigh(defs !== undefined && Object.hasOwn(defs, name) ? defs[name] : true);
      known.set(name, weight);
    }
    return weight;
  };
  return weigh(schema);
}

/** States of a pattern, at most about: its characters, with counted repetitions written out. */
function statesOf(pattern: string): number {
  /** States of the groups that are open, and of the last atom of each, which a count repeats. */
  const open: { sum: number; last: number }[] = [{ sum: 0, last: 0 }];
  const atom = (states: number): void => {
    const here = open.at(-1);
    if (here === undefined) return;
    here.sum += states;
    here.last = states;
  };
  for (const [token, least, most] of pattern.matchAll(TOKEN)) {
    if (token === "(") open.push({ sum: 0, last: 0 });
    else if (token === ")") {
      const group = open.length > 1 ? open.pop() : undefined;
      atom(1 + (group?.sum ?? 0));
    } else if (least !== undefined) {
      const here = open.at(-1);
      const times = Math.max(Number(least) + 1, Number(most ?? 0));
      if (here !== undefined) atom(here.last * (times - 1));
    } else atom(1);
  }
  return open.reduce((sum, group) => sum + group.sum, 0);
}

/** An escape, a class, a count, or one character. */
const TOKEN = /\\(?:[pPx]\{[^}]*\}|[\s\S])|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[\s\S]/gu;
