import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { packPackage } from "@berth/archive";
import { quote, sanitize } from "@berth/base";
import { MANIFEST_FILE, parseManifest } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import { CliError } from "./errors.ts";
import { readInput, resolveFolder, writeWhole } from "./files.ts";
import { TYPES_FILE, formatPluginTypes } from "./plugin-types.ts";

/** The program's name inside a package: a bundle, or a module that a compiler made. */
const BUNDLE = "plugin.js";
const MODULE = "plugin.wasm";
/** The name under which a bundle leaves its default export; the guest library looks for it. */
const PLUGIN_GLOBAL = "berthPlugin";
/** Texts that go into a package beside manifest and bundle. */
const COMPANIONS = /^(?:readme|license|licence|notice|changelog)(?:\.(?:md|txt))?$/i;

/** A plugin's folder as its author edits it. */
export interface PluginFolder {
  readonly path: string;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
}

/** @throws CliError CLI_FILE_UNREADABLE, CLI_USAGE for an empty name; SpecError */
export async function readPluginFolder(given: string): Promise<PluginFolder> {
  const path = resolveFolder(given, "a plugin's folder");
  const file = join(path, MANIFEST_FILE);
  // A pipe without a writer would be waited for for ever. What is not there is told of by the reading.
  if ((await stat(file).catch(() => undefined))?.isFile() === false)
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(file, 200)} is not a regular file`);
  const manifestBytes = await readInput(file);
  return { path, manifest: parseManifest(manifestBytes), manifestBytes };
}

/** Where the types of the plugin's actions belong: beside its entry. */
export const typesFileOf = ({ path, manifest }: PluginFolder): string =>
  join(path, manifest.runtime.entry, "..", TYPES_FILE);

/** Writes the types of the plugin's actions beside its entry; answers with the file's path. */
export async function writePluginTypes(folder: PluginFolder): Promise<string> {
  const file = typesFileOf(folder);
  await writeWhole(file, formatPluginTypes(folder.manifest));
  return file;
}

/**
 * Makes an unsigned package of a folder: manifest, bundle and source map or compiled module, and texts such as
 * the README.
 *
 * @throws CliError CLI_BUNDLE_FAILED; ArchiveError
 */
export async function packPluginFolder(
  folder: PluginFolder,
): Promise<{ bytes: Uint8Array; contentDigest: string; bundleBytes: number }> {
  const { path, manifest, manifestBytes } = folder;
  const [program, ...beside] = await readProgram(folder);
  // Everything the author wrote stays as written; only the entry now names the bundle.
  const written = JSON.parse(new TextDecoder().decode(manifestBytes)) as Record<string, unknown>;
  const packed = { ...written, runtime: { ...manifest.runtime, entry: program.path } };
  delete (packed as { $schema?: unknown }).$schema;
  const encoder = new TextEncoder();
  const files: PackedFile[] = [
    { path: MANIFEST_FILE, bytes: encoder.encode(`${JSON.stringify(packed, null, 2)}\n`) },
    program,
    ...beside,
  ];
  // Regular files only: a link named README would put a file from anywhere on this machine into the package.
  const companions = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => entry.isFile() && COMPANIONS.test(entry.name))
    .map(({ name }) => name);
  if (manifest.icon !== undefined) companions.push(await iconWithin(path, manifest.icon));
  for (const name of companions.toSorted()) files.push({ path: name, bytes: await readInput(join(path, name)) });
  return { ...packPackage({ files }), bundleBytes: program.bytes.length };
}

interface PackedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What the plugin runs first, then what goes beside it. Sources are bundled; a module is taken as it is. */
async function readProgram({ path, manifest }: PluginFolder): Promise<[PackedFile, ...PackedFile[]]> {
  const { kind, entry } = manifest.runtime;
  if (kind === "wasm") return [{ path: MODULE, bytes: await readInput(join(path, entry)) }];
  const { code, map } = await bundle(path, entry);
  const encoder = new TextEncoder();
  return [
    { path: BUNDLE, bytes: encoder.encode(code) },
    { path: `${BUNDLE}.map`, bytes: encoder.encode(map) },
  ];
}

/** The icon's path, unless links lead it out of the folder. */
async function iconWithin(folder: string, icon: string): Promise<string> {
  const real = await realpath(join(folder, icon)).catch((error: unknown) => {
    throw new CliError("CLI_FILE_UNREADABLE", `the icon ${quote(icon)} cannot be read`, { cause: error });
  });
  if (real.startsWith(`${await realpath(folder)}${sep}`)) return icon;
  throw new CliError("CLI_FILE_UNREADABLE", `the icon ${quote(icon)} lies outside of the plugin's folder`);
}

/** Bundled by rolldown into one classic script, which every engine can run. */
async function bundle(path: string, entry: string): Promise<{ code: string; map: string }> {
  const { rolldown } = await import("rolldown");
  const fail = (message: string, places: readonly BundleFault[] = []): never => {
    throw new CliError(
      "CLI_BUNDLE_FAILED",
      `${quote(entry)} could not be bundled: ${sanitize(message.replaceAll(/\s+/g, " ").trim(), 600)}`,
      { details: { places } },
    );
  };
  try {
    const build = await rolldown({
      cwd: path,
      input: join(path, entry),
      platform: "neutral",
      // The SDK is the CLI's own copy: the name is not an author's to install from anywhere.
      resolve: {
        // A plugin has neither Node nor a page: a library's build for workers, else for browsers, comes nearest.
        conditionNames: ["worker", "import", "default"],
        mainFields: ["browser", "module", "main"],
        alias: { "@berth/sdk": fileURLToPath(import.meta.resolve("@berth/sdk")) },
      },
      onLog(level, log) {
        if (level === "warn") fail(log.message);
      },
    });
    const { output } = await build.generate({
      format: "iife",
      name: PLUGIN_GLOBAL,
      exports: "default",
      codeSplitting: false,
      sourcemap: "hidden",
      sourcemapExcludeSources: true,
      file: join(path, BUNDLE),
    });
    await build.close();
    const [chunk] = output;
    const map = chunk.map;
    if (map === null || map === undefined) return fail("the bundler made no source map");
    return { code: chunk.code, map: `${JSON.stringify({ ...map, file: basename(BUNDLE) })}\n` };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const faults = bundleFaults(path, error);
    if (faults.length === 0) return fail(error instanceof Error ? error.message : "unknown error");
    return fail(
      faults.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join("; "),
      faults,
    );
  }
}

/** One place in a plugin's source that the bundler refuses. */
interface BundleFault {
  /** Below the plugin's folder. */
  readonly file: string;
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly message: string;
}

const MAX_FAULTS = 10;

/** The places of a failed build; the bundler's own words show them as a drawing, which one line cannot hold. */
function bundleFaults(folder: string, error: unknown): BundleFault[] {
  const { errors } = error as { errors?: unknown };
  if (!Array.isArray(errors)) return [];
  return (errors as { message?: string; id?: string; loc?: { line: number; column: number } }[])
    .slice(0, MAX_FAULTS)
    .flatMap(({ message, id, loc }) => {
      const [first = ""] = (message ?? "").split("\n");
      if (id === undefined || loc === undefined) return [];
      const words = sanitize(first.replace(/^\[[A-Z_]+\] /, ""), 200);
      return [{ file: relative(folder, id), line: loc.line, column: loc.column + 1, message: words }];
    });
}
