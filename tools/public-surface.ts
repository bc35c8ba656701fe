// The pages of docs/surface: what each package offers to those who import it, from the declarations in its dist folder.
// Run the compiler first: what lies in dist is taken as it is.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { readDeclarations } from "./declarations.ts";
import type { Declaration, DeclarationFile, ImportedName } from "./declarations.ts";
import { listPackages, root } from "./workspace.ts";

export const SURFACE_FOLDER = "docs/surface";

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, { readonly types?: string }>> };
}

/** Where a name comes from at last: a declaration of this package, or another package. */
type Origin =
  | { readonly file: string; readonly name: string; readonly isTypeOnly: boolean }
  | { readonly from: string; readonly name: string; readonly isTypeOnly: boolean };

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** The declaration files of one package, and what its names lead to. */
class PackageDeclarations {
  readonly #files = new Map<string, DeclarationFile>();

  file(path: string): DeclarationFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    if (!existsSync(path)) throw new Error(`${path} is missing; remove the dist folder and run tsc -b`);
    const file = readDeclarations(path);
    this.#files.set(path, file);
    return file;
  }

  /** Everything that a file exports, by name. */
  exportsOf(path: string): Map<string, Origin> {
    const { exports, stars } = this.file(path);
    const found = new Map<string, Origin>();
    for (const from of stars) {
      // Another package's names are listed in its own surface.
      if (!from.startsWith(".")) found.set(`* from ${from}`, { from, name: "*", isTypeOnly: false });
      else
        for (const [name, origin] of this.exportsOf(pathOf(path, from)))
          if (name !== "default") found.set(name, origin);
    }
    for (const [exported, { from, name, isTypeOnly }] of exports) {
      const origin = this.resolve(path, from === undefined ? name : { from, name });
      if (origin === undefined) throw new Error(`${path}: ${name} is exported and not declared`);
      found.set(exported, { ...origin, isTypeOnly: isTypeOnly || origin.isTypeOnly });
    }
    return found;
  }

  follow(path: string, { from, name }: ImportedName): Origin {
    if (!from.startsWith(".")) return { from, name, isTypeOnly: false };
    if (name === "*") throw new Error(`${path}: the surface has no rule for the whole of ${from} as one name`);
    const origin = this.exportsOf(pathOf(path, from)).get(name);
    if (origin === undefined) throw new Error(`${path}: ${from} does not export ${name}`);
    return origin;
  }

  /** What a reference in a file leads to; nothing for globals and type parameters. */
  resolve(path: string, reference: string | ImportedName): Origin | undefined {
    if (typeof reference !== "string") return this.follow(path, reference);
    const { declarations, imports } = this.file(path);
    if (declarations.has(reference)) return { file: path, name: reference, isTypeOnly: false };
    const imported = imports.get(reference);
    return imported === undefined ? undefined : this.follow(path, imported);
  }

  declarationsOf(path: string, name: string): readonly Declaration[] {
    return this.file(path).declarations.get(name) ?? [];
  }
}

/** The compiler keeps the endings of the sources: `./quote.ts` lies in `quote.d.ts`. */
const pathOf = (importer: string, from: string): string => join(dirname(importer), from.replace(/\.[jt]s$/, ".d.ts"));

/** Entries of a package and the declaration file of each, in alphabetical order. */
function entriesOf({ name, exports = {}, publishConfig }: Manifest): [string, string][] {
  return Object.keys(exports)
    .map((entry): [string, string] => {
      const types = publishConfig?.exports?.[entry]?.types;
      if (types === undefined) throw new Error(`${name}: publishConfig names no types for ${entry}`);
      return [`${name}${entry.slice(1)}`, types];
    })
    .toSorted(byName);
}

/** The surface of the package in a folder, as text. */
function surfaceText(folder: string, manifest: Manifest): string {
  const all = new PackageDeclarations();
  const lines = [
    `Public surface of ${manifest.name}, as the compiler declares it, without docstrings.`,
    "Written by `npm run generate`; CONTRIBUTING.md says how a change is reviewed.",
  ];
  // Whoever changes one of these changes what is exported: hidden declarations are found by following the names.
  const reached = new Map<string, { readonly file: string; readonly name: string }>();
  const shown = new Set<string>();
  const outside = new Set<string>();
  const show = (file: string, name: string, remarks: readonly string[]): void => {
    const declarations = all.declarationsOf(file, name);
    lines.push("", ...remarks.map((remark) => `// ${remark}`), ...declarations.map(({ text }) => text));
    shown.add(`${file}#${name}`);
    for (const reference of declarations.flatMap(({ references }) => references)) {
      const origin = all.resolve(file, reference);
      if (origin === undefined) continue;
      if ("from" in origin) outside.add(`${origin.name} from ${origin.from}`);
      else reached.set(`${origin.file}#${origin.name}`, origin);
    }
    for (const addition of all.file(file).additions) reached.set(`${file}#${addition}`, { file, name: addition });
  };

  for (const [entry, types] of entriesOf(manifest)) {
    lines.push("", `# ${entry}`);
    const names = [...all.exportsOf(join(folder, types))].toSorted(byName);
    if (names.length === 0) lines.push("", "exports nothing");
    for (const [exported, origin] of names) {
      const remarks = exported === origin.name ? [] : [`exported as ${exported}`];
      if ("from" in origin) {
        lines.push("", forwarded(exported, origin));
        continue;
      }
      const isValue = all.declarationsOf(origin.file, origin.name).some((each) => each.isValue);
      if (isValue && origin.isTypeOnly) remarks.push("exported as a type only");
      show(origin.file, origin.name, remarks);
    }
  }

  const hiddenAt = lines.length;
  for (let next = nextHidden(reached, shown); next !== undefined; next = nextHidden(reached, shown)) {
    const source = relative(join(folder, "dist"), next.file).replace(/\.d\.ts$/, ".ts");
    show(next.file, next.name, [`src/${source}`]);
  }
  if (lines.length > hiddenAt) lines.splice(hiddenAt, 0, "", "# Not exported, but part of the above");
  if (outside.size > 0) lines.push("", "# Named above, from other packages", "", ...[...outside].toSorted());
  return `${lines.join("\n")}\n`;
}

/** The statement that passes on a name of another package; all of its names come under one that starts with `*`. */
function forwarded(exported: string, { from, name, isTypeOnly }: ImportedName & { isTypeOnly: boolean }): string {
  const alias = exported === name || exported.startsWith("*") ? "" : ` as ${exported}`;
  const what = name === "*" ? `*${alias}` : `{ ${name}${alias} }`;
  return `export ${isTypeOnly ? "type " : ""}${what} from "${from}";`;
}

/** The first declaration in order that was named and not shown yet. */
function nextHidden<Value>(reached: ReadonlyMap<string, Value>, shown: ReadonlySet<string>): Value | undefined {
  return [...reached].toSorted(byName).find(([key]) => !shown.has(key))?.[1];
}

/** Name of the package, file and text of every surface. Examples are for reading, not for importing. */
function* surfaces(from: string): Generator<{ packageName: string; file: string; read: () => string }> {
  for (const { path, name } of listPackages(from)) {
    if (path.startsWith("examples/")) continue;
    const manifest = JSON.parse(readFileSync(join(from, path, "package.json"), "utf8")) as Manifest;
    if (manifest.exports === undefined) continue;
    yield {
      packageName: manifest.name,
      file: `${SURFACE_FOLDER}/${name}.txt`,
      read: () => surfaceText(join(from, path), manifest),
    };
  }
}

/** File and text of every surface. */
export function publicSurfaces(from = root): Map<string, string> {
  return new Map(Array.from(surfaces(from), ({ file, read }) => [file, read()]));
}

/** Surfaces that are not what the declarations say, cannot be read or are left over, one line each. */
export function checkSurfaces(from = root): string[] {
  const found: string[] = [];
  const files = new Set<string>();
  for (const { packageName, file, read } of surfaces(from)) {
    files.add(file);
    try {
      if (!existsSync(join(from, file)) || readFileSync(join(from, file), "utf8") !== read())
        found.push(`the public surface of ${packageName} changed: run npm run generate and review the diff of ${file}`);
    } catch (error) {
      // Such as a package that does not compile: a surface that cannot be read is not known to be unchanged.
      found.push(`the public surface of ${packageName} cannot be read: ${(error as Error).message}`);
    }
  }
  const folder = join(from, SURFACE_FOLDER);
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!files.has(`${SURFACE_FOLDER}/${name}`)) found.push(`${SURFACE_FOLDER}/${name} belongs to no package`);
  }
  return found;
}
