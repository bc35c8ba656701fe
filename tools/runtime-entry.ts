import { isAbsolute, join } from "node:path";

import type { Plugin } from "rolldown";

/** One prebuilt file. Paths are relative to the root. */
export interface RuntimeEntry {
  readonly input: string;
  readonly output: string;
  /** `cjs`: a script for Node. `iife`: one script text for a compartment, with nothing of Node in reach. */
  readonly format: "cjs" | "iife";
  /** For `iife`: the variable that holds the entry's exports. */
  readonly name?: string;
  readonly isMinified?: boolean;
  /** Native packages: their default export is `member` of an addon that is loaded by its name; for `cjs` only. */
  readonly addons?: Readonly<Record<string, { readonly file: string; readonly member: string }>>;
}

/** A built file's text, and every file that went into it (absolute). */
export interface BuiltEntry {
  readonly code: string;
  readonly modules: readonly string[];
}

/**
 * Bundles one entry with rolldown.
 *
 * @throws Error when it does not build to exactly one chunk, or an import cannot be resolved.
 */
export async function buildEntry(root: string, entry: RuntimeEntry): Promise<BuiltEntry> {
  // Loaded here, so that an up-to-date run does not pay for it.
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    cwd: root,
    input: join(root, entry.input),
    platform: entry.format === "cjs" ? "node" : "neutral",
    plugins: [addonPlugin(root, entry.addons ?? {})],
    onLog(level, log) {
      // A warning here (an unresolved import, a circular chunk) is a file that fails later, in a sandbox.
      if (level === "warn") throw new Error(`${entry.input}: ${log.message}`);
    },
  });
  try {
    const { output } = await bundle.generate({
      format: entry.format,
      codeSplitting: false,
      minify: entry.isMinified === true,
      ...(entry.name !== undefined && { name: entry.name }),
    });
    const [chunk, ...others] = output;
    if (others.length > 0) throw new Error(`${entry.input} builds to ${output.length} files, expected one`);
    const code = `// Built from ${entry.input} by tools/build-runtime.ts.\n${chunk.code}`;
    // Everything that was read, not what is left in the chunk: a constant written into its user leaves no module.
    const modules = (await bundle.watchFiles).filter((id) => isAbsolute(id));
    return { code, modules };
  } finally {
    await bundle.close();
  }
}

/** A package that only finds and loads its binary becomes that: inside a wall there are no packages to look through. */
function addonPlugin(root: string, addons: NonNullable<RuntimeEntry["addons"]>): Plugin {
  const prefix = "\0addon:";
  const loader = JSON.stringify(join(root, "packages/sandbox/src/walls/node-runtime-files.ts"));
  return {
    name: "addons",
    resolveId: (id) => (Object.hasOwn(addons, id) ? `${prefix}${id}` : undefined),
    load(id) {
      const addon = id.startsWith(prefix) ? addons[id.slice(prefix.length)] : undefined;
      if (addon === undefined) return undefined;
      const { file, member } = addon;
      return `import { loadAddon } from ${loader};\nexport default loadAddon(${JSON.stringify(file)}).${member};\n`;
    },
  };
}
