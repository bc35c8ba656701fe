import { coversGlob, fitsGlob } from "./glob.ts";

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
  b.every((wanted) => a.some((held) => pathBelow(held, wanted) !== undefined));

/** The path that leads from one folder to another below it; `""`: it is the same one. */
function pathBelow(root: string, folder: string): string | undefined {
  if (folder === root) return "";
  const start = root.endsWith("/") ? root : `${root}/`;
  return folder.startsWith(start) ? folder.slice(start.length) : undefined;
}

/** Some milliseconds at most; lists that take longer to compare do not cover each other. */
const GLOB_STEPS = 500_000;

/** Files as two parameters name them together: each glob is relative to each root. */
export interface FileSet {
  readonly roots: readonly string[];
  readonly globs: readonly string[];
}

/**
 * Files below roots: `**` covers every glob, `in/*.csv` covers `in/a.csv` and `in/a*.csv`; see `coversGlob`. Below
 * another root a glob means other files: `*.csv` of `/data` does not cover `*.csv` of `/data/in`, `in/*.csv` does.
 */
export const coversFiles: Covers<FileSet> = (a, b) => {
  const budget = { left: GLOB_STEPS };
  const held = new Set(a.globs);
  const isHeld = (glob: string): boolean =>
    held.has(glob) || a.globs.some((each) => budget.left > 0 && coversGlob(each, glob, budget));
  const areHeld = (glob: string, below: string): boolean => {
    if (held.has("**")) return true;
    if (below === "") return isHeld(glob);
    // A name in the path that globs read in their own way stands for more than itself here, never for less.
    return isHeld(`${below}/${glob}`) && (!fitsGlob("", glob, { left: GLOB_STEPS }) || isHeld(below));
  };
  return b.roots.every((root) => {
    const paths = a.roots.map((each) => pathBelow(each, root)).filter((path) => path !== undefined);
    return b.globs.every((glob) => paths.some((path) => areHeld(glob, path)));
  });
};

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
