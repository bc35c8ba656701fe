import { dirname, isAbsolute, join, parse, relative, sep } from "node:path";

import type { Plugin } from "rolldown";

/** Where a program starts, and the folder its files will stand in; relative to the root. */
export interface ProgramEntry {
  readonly input: string;
  readonly folder: string;
  /** One file, named like its source; else as many as there are parts that are loaded later, the first `main.js`. */
  readonly isWhole?: boolean;
}

export interface BuiltProgram {
  /** The file to start. */
  readonly main: string;
  /** Files of the folder by name. */
  readonly files: ReadonlyMap<string, string>;
  /** Every file that went into them (absolute). */
  readonly modules: readonly string[];
}

/** Loaded by what they find beside themselves: left where they are, and asked for from the folder's package. */
const LEFT_OUT = [/^rolldown(?:\/|$)/];

/**
 * Bundles a program for Node into as many files as it has parts that are loaded later. Loading hundreds of modules
 * costs a short command more than all its work; what each of them says of its own place stays true.
 *
 * @throws Error when an import cannot be resolved, or a module uses `import.meta` in a way that would change here.
 */
export async function buildProgram(
  root: string,
  { input, folder, isWhole = false }: ProgramEntry,
): Promise<BuiltProgram> {
  const { rolldown } = await import("rolldown");
  const name = isWhole ? parse(input).name : "main";
  const bundle = await rolldown({
    cwd: root,
    input: { [name]: join(root, input) },
    platform: "node",
    external: LEFT_OUT,
    // UMD files ask for their parts in a way that no bundler sees.
    resolve: { mainFields: ["module", "main"] },
    plugins: [await placePlugin(join(root, folder), join(root, dirname(input)))],
    onLog(level, log) {
      // A library's own doubts about itself are not the program's.
      if (level === "warn" && log.id?.includes("node_modules") !== true) throw new Error(`${input}: ${log.message}`);
    },
  });
  try {
    const { output } = await bundle.generate({
      format: "esm",
      codeSplitting: !isWhole,
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
    });
    const files = new Map<string, string>();
    for (const file of output) {
      if (file.type !== "chunk") throw new Error(`${input} builds to ${file.fileName}, which is no module`);
      files.set(file.fileName, file.code);
    }
    return { main: `${name}.js`, files, modules: (await bundle.watchFiles).filter((id) => isAbsolute(id)) };
  } finally {
    await bundle.close();
  }
}

/**
 * Modules start threads and find files beside themselves: `import.meta` goes on meaning the place they came from. That
 * of CommonJS packages (`__dirname`) means the bundle's folder; none of ours uses what such a package finds with it.
 */
async function placePlugin(folder: string, sources: string): Promise<Plugin> {
  const { parseSync } = await import("rolldown/utils");
  return {
    name: "place",
    transform(code, id) {
      if (!code.includes("import.meta") || !isAbsolute(id)) return undefined;
      const { module, errors } = parseSync(id, code);
      if (errors.length > 0) throw new Error(`${id}: ${errors[0]?.message}`);
      const place = relative(folder, id).replaceAll(sep, "/");
      const path = (to: string): string =>
        `process.getBuiltinModule("node:path").join(import.meta.dirname, ${JSON.stringify(to)})`;
      const meanings: Readonly<Record<string, string>> = {
        url: `new URL(${JSON.stringify(encodeURI(place))}, import.meta.url).href`,
        filename: path(place),
        dirname: path(dirname(place)),
        // Other packages have other dependencies than the one that the folder belongs to.
        ...(id.startsWith(sources) && { resolve: "import.meta.resolve" }),
      };
      let result = "";
      let done = 0;
      for (const { start, end } of module.importMetas) {
        const [whole, name = ""] = /^\.([a-z]+)\b/.exec(code.slice(end)) ?? [""];
        const meaning = meanings[name];
        if (meaning === undefined) throw new Error(`${id}: import.meta${whole} has no meaning in a bundle`);
        result += code.slice(done, start) + meaning;
        done = end + whole.length;
      }
      return result + code.slice(done);
    },
  };
}
