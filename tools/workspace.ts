import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

/** A package of this repository. */
export interface WorkspacePackage {
  /** Relative to the root, such as `packages/base`. */
  readonly path: string;
  /** Without the scope. */
  readonly name: string;
  readonly manifest: {
    readonly name: string;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly devDependencies?: Readonly<Record<string, string>>;
  };
}

/** Every package, in the order of its path. */
export function listPackages(from = root): WorkspacePackage[] {
  return ["apps", "engines", "examples", "packages"].flatMap((area) => {
    if (!existsSync(join(from, area))) return [];
    return readdirSync(join(from, area))
      .toSorted()
      .filter((name) => existsSync(join(from, area, name, "package.json")))
      .map((name) => {
        const path = `${area}/${name}`;
        const manifest = JSON.parse(
          readFileSync(join(from, path, "package.json"), "utf8"),
        ) as WorkspacePackage["manifest"];
        return { path, name: manifest.name.replace("@berth/", ""), manifest };
      });
  });
}

const SKIPPED: ReadonlySet<string> = new Set(["node_modules", "dist", "dist-runtime", ".git", ".toolchain", ".berth"]);

/** Files below a folder whose names end as given; relative to `from`. */
export function listFiles(folder: string, ending: string, from = root): string[] {
  const path = join(from, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const below = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listFiles(below, ending, from);
    return entry.name.endsWith(ending) ? [below] : [];
  });
}
