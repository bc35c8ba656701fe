import { posix } from "node:path";

import type { ContextUse, SourceUses } from "./context-uses.ts";
import { contextUsesOf } from "./context-uses.ts";

/** What everything that a plugin's entry imports from its own folder does with the context. */
export interface PluginUses {
  readonly uses: readonly ContextUse[];
  /** Whether some of it cannot be told: then nothing is said to be unused. */
  readonly isOpen: boolean;
  /** Files that are no programs. */
  readonly broken: readonly { readonly file: string; readonly line: number; readonly message: string }[];
}

/** A specifier names what runs; the source may be TypeScript. */
const candidatesOf = (path: string): string[] => [
  path,
  path.replace(/\.([cm]?)js$/, ".$1ts"),
  `${path}.ts`,
  `${path}.js`,
  `${path}/index.ts`,
  `${path}/index.js`,
];

/**
 * Follows a plugin's imports from its entry.
 *
 * @param files texts by their path below the folder
 */
export function pluginUses(entry: string, files: ReadonlyMap<string, string>): PluginUses {
  const uses: ContextUse[] = [];
  const broken: PluginUses["broken"][number][] = [];
  const seen = new Set<string>();
  const pending = [posix.normalize(entry)];
  let isOpen = false;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const text = files.get(path);
    if (seen.has(path) || text === undefined || path.endsWith(".json")) continue;
    seen.add(path);
    const found = tryRead(path, text);
    if ("line" in found) {
      broken.push(found);
      isOpen = true;
      continue;
    }
    uses.push(...found.uses);
    isOpen ||= found.isOpen;
    for (const specifier of found.imports) {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      const file = candidatesOf(target).find((each) => files.has(each));
      if (file === undefined) isOpen = true;
      else pending.push(file);
    }
  }
  return { uses, isOpen, broken };
}

function tryRead(file: string, text: string): SourceUses | PluginUses["broken"][number] {
  try {
    return contextUsesOf(file, text);
  } catch (error) {
    // The parser's own errors: what is wrong, and where.
    const { errors } = error as { errors?: readonly { message?: string; loc?: { line: number } }[] };
    const [first] = errors ?? [];
    const words = (first?.message ?? (error instanceof Error ? error.message : "is no program")).split("\n")[0] ?? "";
    return { file, line: first?.loc?.line ?? 1, message: words.replace(/^\[[A-Z_]+\] /, "") };
  }
}
