/**
 * How one parameter of a permission compares: `covers(a, b)` says that whoever holds `a` needs to ask
 * nobody for `b`. Each order below is reflexive, transitive and antisymmetric up to spelling, so that
 * permissions built from them form a partial order too.
 */
export type Covers<Value> = (a: Value, b: Value) => boolean;

/** Sets by inclusion. */
export const containsAll: Covers<readonly string[] | readonly number[]> = (a, b) => {
  const held = new Set<string | number>(a);
  return b.every((item) => held.has(item));
};

/** Amounts by size. */
export const atLeast: Covers<number> = (a, b) => a >= b;

/** Switches: on covers off. */
export const onCoversOff: Covers<boolean> = (a, b) => a || !b;

/** Words that only cover themselves, such as a purpose. */
export const same: Covers<string> = (a, b) => a === b;

/**
 * Host patterns. `*.example.com` stands for every host below example.com, not for example.com itself;
 * any other pattern stands for one host.
 */
export const coversHosts: Covers<readonly string[]> = (a, b) =>
  b.every((wanted) => a.some((held) => held === wanted || (held.startsWith("*.") && isBelow(wanted, held.slice(1)))));

function isBelow(host: string, suffix: string): boolean {
  return host.startsWith("*.") ? host.slice(1).endsWith(suffix) : host.endsWith(suffix) && host.length > suffix.length;
}

/** Absolute folders, `/` separated and normalised: a folder covers itself and everything below it. */
export const coversRoots: Covers<readonly string[]> = (a, b) =>
  b.every((wanted) => a.some((held) => held === wanted || wanted.startsWith(held.endsWith("/") ? held : `${held}/`)));

/** Globs: `**` covers every glob; any other covers only itself, since inclusion of globs is costly to decide. */
export const coversGlobs: Covers<readonly string[]> = (a, b) =>
  a.includes("**") || b.every((wanted) => a.includes(wanted));

/** Topics and names with one optional trailing `*`: `orders.*` covers `orders.created` and `orders.eu.*`. */
export const coversPrefixes: Covers<readonly string[]> = (a, b) =>
  b.every((wanted) =>
    a.some((held) => held === wanted || (held.endsWith("*") && wanted.startsWith(held.slice(0, -1)))),
  );

/** Structured items that only cover their equals, compared by canonical text. */
export const containsEqual =
  <Item>(textOf: (item: Item) => string): Covers<readonly Item[]> =>
  (a, b) => {
    const held = new Set(a.map(textOf));
    return b.every((item) => held.has(textOf(item)));
  };
