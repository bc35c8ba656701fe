import { entryOf, type UnverifiedManifest } from "./unverified-manifest.ts";

/** What one file loads from its own package. */
export interface FileLoads {
  readonly path: string;
  /** Specifiers that begin with a dot. */
  readonly relative: readonly string[];
  /** Whether it loads something that only running it would tell. */
  readonly isOpen: boolean;
}

const ENDINGS = ["", ".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".jsx", ".tsx", ".json", "/index.js", "/index.ts"];

/**
 * The files that a package's entries load, directly or through others. `undefined` when that cannot be
 * told: no entry is there, or a file that is reached chooses at run time what it loads.
 */
export function reachedFiles(
  manifests: readonly UnverifiedManifest[],
  loads: readonly FileLoads[],
): ReadonlySet<string> | undefined {
  const byPath = new Map(loads.map((one) => [one.path, one]));
  const entries = manifests.flatMap((manifest) => {
    const entry = entryOf(manifest);
    const found = entry === undefined ? undefined : resolve("", entry, byPath);
    return found === undefined ? [] : [found];
  });
  if (entries.length === 0) return undefined;
  const reached = new Set(entries);
  for (const path of reached) {
    const file = byPath.get(path);
    if (file === undefined) continue;
    if (file.isOpen) return undefined;
    for (const specifier of file.relative) {
      const target = resolve(path.slice(0, path.lastIndexOf("/") + 1), specifier, byPath);
      if (target !== undefined) reached.add(target);
    }
  }
  return reached;
}

function resolve(folder: string, specifier: string, files: ReadonlyMap<string, FileLoads>): string | undefined {
  const parts: string[] = [];
  for (const part of `${folder}${specifier}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  const base = parts.join("/");
  // TypeScript names the file that a compiler would write.
  const stems = [base, base.replace(/\.([mc]?)js$/u, ".$1ts")];
  return stems.flatMap((stem) => ENDINGS.map((ending) => stem + ending)).find((path) => files.has(path));
}
