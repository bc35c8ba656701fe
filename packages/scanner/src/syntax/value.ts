import type { Node } from "oxc-parser";

/** Stands in a shape for the parts that are not known before the program runs. */
export const HOLE = "\uFFFC";

const MAX_ALTERNATIVES = 24;
const MAX_ITEMS = 4096;
const MAX_MERGED = 24;

export interface Parts {
  readonly tags?: number;
  readonly made?: number;
  readonly shape?: string | undefined;
  readonly number?: number | undefined;
  readonly also?: readonly Value[] | undefined;
  readonly ref?: string | undefined;
  readonly items?: readonly Value[] | undefined;
  readonly props?: Map<string, Value> | undefined;
  readonly fn?: FunctionInfo | undefined;
  readonly at?: number;
}

/**
 * What the scanner knows of a value without running the program.
 *
 * A value is immutable but for `props`, which stands for one object of the program and grows as
 * members are assigned.
 */
export class Value {
  /** See `tags.ts`: where it comes from. */
  readonly tags: number;
  /** See `tags.ts`: how a constant was assembled. */
  readonly made: number;
  /** Its text as far as known; unknown parts are `HOLE`. */
  readonly shape: string | undefined;
  readonly number: number | undefined;
  /** Other values it may have instead. */
  readonly also: readonly Value[] | undefined;
  /** The well-known object that it is, as a path: `process.env`, `fs.readFile`, `element:script`. */
  readonly ref: string | undefined;
  readonly items: readonly Value[] | undefined;
  readonly props: Map<string, Value> | undefined;
  readonly fn: FunctionInfo | undefined;
  /** Offset in the source where its tags were first acquired; -1 when it has none. */
  readonly at: number;

  constructor(parts: Parts) {
    this.tags = parts.tags ?? 0;
    this.made = parts.made ?? 0;
    this.shape = parts.shape;
    this.number = parts.number;
    this.also = parts.also;
    this.ref = parts.ref;
    this.items = parts.items;
    this.props = parts.props;
    this.fn = parts.fn;
    this.at = parts.at ?? -1;
  }

  /** Whether the text is known completely. */
  get isConstant(): boolean {
    return this.shape !== undefined && !this.shape.includes(HOLE);
  }
}

/** A function of the program: what reaches it, what it gives back, and when it runs. */
export interface FunctionInfo {
  readonly node: Node | undefined;
  args: Value[];
  returns: Value;
  self: Value;
  /** Milliseconds after which a timer calls it; 0 when no timer does. */
  delayMs: number;
  /** Name of the event that calls it. */
  event: string;
  /** The object that it listens to. */
  eventTarget: string;
  /** Tags of conditions that guard a call of it. */
  guards: number;
  /** How many calls of it were seen in the last pass. */
  callers: number;
  wasRead: boolean;
  /** Tags that arise in its body or reach it from around, whatever it is called with. */
  own: number;
}

/** A value of which nothing is known. */
export const NOTHING = new Value({});

/** A value that carries only tags. */
export function tagged(tags: number, at: number): Value {
  return tags === 0 ? NOTHING : new Value({ tags, at });
}

export function textValue(shape: string, made = 0, tags = 0, at = -1): Value {
  return new Value({ shape, made, tags, at });
}

export function numberValue(value: number, tags = 0, at = -1): Value {
  return new Value({ number: value, shape: String(value), tags, at });
}

/** The value and its alternatives. */
export function alternatives(value: Value): readonly Value[] {
  return value.also === undefined ? [value] : [value, ...value.also];
}

/** Adds tags, keeping everything else. */
export function withTags(value: Value, tags: number, at: number): Value {
  if ((value.tags | tags) === value.tags) return value;
  return new Value({ ...partsOf(value), tags: value.tags | tags, at: value.at >= 0 ? value.at : at });
}

/** Notes one more way in which the text was put together. */
export function madeBy(value: Value, how: number): Value {
  return new Value({ ...partsOf(value), made: value.made | how });
}

/** Keeps only some of the tags. */
export function keepTags(value: Value, kept: number): Value {
  if ((value.tags & ~kept) === 0) return value;
  return new Value({
    ...partsOf(value),
    tags: value.tags & kept,
    also: value.also?.map((one) => keepTags(one, kept)),
  });
}

function partsOf(value: Value): Parts {
  const { tags, made, shape, number, also, ref, items, props, fn, at } = value;
  return { tags, made, shape, number, also, ref, items, props, fn, at };
}

/** A value that may be either. Bounded: past `MAX_ALTERNATIVES` constants only the tags survive. */
export function join(a: Value, b: Value): Value {
  if (a === b || b === NOTHING) return a;
  if (a === NOTHING) return b;
  if (includes(a, b)) return a;
  const tags = a.tags | b.tags;
  const at = a.at >= 0 ? a.at : b.at;
  const also: Value[] = a.also === undefined ? [] : [...a.also];
  for (const other of alternatives(b)) {
    if (also.length >= MAX_ALTERNATIVES) break;
    if ((other.shape !== undefined || other.ref !== undefined || other.fn !== undefined) && !includes(a, other)) {
      also.push(stripped(other));
    }
  }
  if (also.length === (a.also?.length ?? 0) && tags === a.tags && a.props === b.props && a.items === b.items) return a;
  if (isVague(a, also)) return vague(a, b, also);
  return new Value({
    tags,
    made: a.shape === undefined ? a.made | b.made : a.made,
    shape: a.shape,
    number: a.number,
    also: also.length === 0 ? undefined : also,
    ref: a.ref ?? b.ref,
    items: a.items ?? b.items,
    props: joinProps(a.props, b.props),
    fn: a.fn ?? b.fn,
    at,
  });
}

/** From so many alternatives on, data of the whole program meets in a value, and it tells nothing of any of them. */
const VAGUE_FROM = 12;

/** Whether a value may be function, well-known object and text at once: short names of minified code collect everything. */
function isVague(a: Value, also: readonly Value[]): boolean {
  if (also.length === 0) return false;
  const all = [a, ...also];
  const isFunction = all.some((one) => one.fn !== undefined);
  const isKnown = all.some((one) => one.ref !== undefined && !one.ref.startsWith("#"));
  const isText = all.some((one) => one.shape !== undefined && one.tags === 0 && one.ref === undefined);
  return (isFunction && isKnown && isText) || also.length + 1 >= VAGUE_FROM;
}

/** Keeps what can be called and read, and forgets where data came from and which well-known object it may be. */
function vague(a: Value, b: Value, also: readonly Value[]): Value {
  if (
    a.tags === 0 &&
    also.length === (a.also?.length ?? 0) &&
    a.ref === undefined &&
    a.props === b.props &&
    a.items === b.items
  )
    return a;
  return new Value({
    made: a.shape === undefined ? a.made | b.made : a.made,
    shape: a.shape,
    number: a.number,
    also: also.map((one) => keepTags(one, 0)),
    items: a.items ?? b.items,
    props: joinProps(a.props, b.props),
    fn: a.fn ?? b.fn,
  });
}

const stripped = (value: Value): Value =>
  value.also === undefined ? value : new Value({ ...partsOf(value), also: undefined });

function includes(a: Value, b: Value): boolean {
  if ((a.tags | b.tags) !== a.tags || b.also !== undefined) return false;
  if (b.props !== undefined && b.props !== a.props) return false;
  if (b.items !== undefined && b.items !== a.items) return false;
  if (b.shape === undefined && b.ref === undefined && b.fn === undefined) return true;
  return sameCore(a, b) || (a.also?.some((one) => sameCore(one, b)) ?? false);
}

const sameCore = (a: Value, b: Value): boolean =>
  a.shape === b.shape && a.ref === b.ref && a.fn === b.fn && (b.made & ~a.made) === 0;

function joinProps(
  a: Map<string, Value> | undefined,
  b: Map<string, Value> | undefined,
): Map<string, Value> | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  // Both objects live on; the join looks at the first and learns what only the second has. Large ones
  // are classes or namespaces, which nobody confuses, and merging them over and over would cost too much.
  if (a.size > MAX_MERGED || b.size > MAX_MERGED) return a;
  for (const [name, value] of b) if (!a.has(name)) a.set(name, value);
  return a;
}

/** An array whose members are known, bounded so that hostile tables cost no memory. */
export function arrayValue(items: readonly Value[], at: number): Value {
  let tags = 0;
  let from = -1;
  for (const item of items) {
    tags |= item.tags;
    if (from < 0) from = item.at;
  }
  return new Value({
    items: items.length > MAX_ITEMS ? undefined : items,
    tags,
    at: from >= 0 ? from : tags === 0 ? -1 : at,
  });
}

/** Members and items that `deepTags` looks at in all; objects of a program refer to each other without end. */
const MAX_VISITS = 400;

/** Every tag of the value and of what it contains, to a small depth, leaving out some members. */
export function deepTags(value: Value, skip?: (name: string) => boolean): number {
  return visit(value, skip, 4, { left: MAX_VISITS });
}

function visit(
  value: Value,
  skip: ((name: string) => boolean) | undefined,
  depth: number,
  budget: { left: number },
): number {
  let tags = value.tags;
  if (depth === 0) return tags;
  if (value.props !== undefined) {
    if (skip !== undefined && value.ref === undefined) tags = 0;
    for (const [name, member] of value.props) {
      if ((budget.left -= 1) < 0) return tags;
      if (skip?.(name) !== true) tags |= visit(member, skip, depth - 1, budget);
    }
  }
  for (const item of value.items?.slice(0, 64) ?? []) {
    if ((budget.left -= 1) < 0) return tags;
    tags |= visit(item, skip, depth - 1, budget);
  }
  return tags;
}

/** What iterating over a value gives: any of its members. */
export function elementOf(list: Value): Value {
  if (list.items === undefined) {
    if (list.isConstant) return tagged(list.tags, list.at);
    return list.tags === 0 ? NOTHING : tagged(list.tags, list.at);
  }
  let value = NOTHING;
  for (const item of list.items.slice(0, 24)) value = join(value, item);
  return withTags(value, list.tags, list.at);
}
