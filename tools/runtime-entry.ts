import { isAbsolute, join } from "node:path";

/** One prebuilt file. Paths are relative to the root. */
export interface RuntimeEntry {
  readonly input: string;
  readonly output: string;
  /** `esm`: a module for Node. `iife`: one script text for a compartment, with nothing of Node in reach. */
  readonly format: "esm" | "iife";
  /** For `iife`: the variable that holds the entry's exports. */
  readonly name?: string;
  /** Packages that stay imports; for `esm` only. */
  readonly external?: readonly string[];
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
    platform: entry.format === "esm" ? "node" : "neutral",
    external: [...(entry.external ?? [])],
    onLog(level, log) {
      // A warning here (an unresolved import, a circular chunk) is a file that fails later, in a sandbox.
      if (level === "warn") throw new Error(`${entry.input}: ${log.message}`);
    },
  });
  try {
    const { output } = await bundle.generate({
      format: entry.format,
      codeSplitting: false,
      ...(entry.name !== undefined && { name: entry.name }),
    });
    const [chunk, ...others] = output;
    if (others.length > 0) throw new Error(`${entry.input} builds to ${output.length} files, expected one`);
    const code = `// Built from ${entry.input} by tools/build-runtime.ts.\n${chunk.code}`;
    return { code, modules: chunk.moduleIds.filter((id) => isAbsolute(id)) };
  } finally {
    await bundle.close();
  }
}
