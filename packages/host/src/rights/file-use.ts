import type { GlobBudget, Permission } from "@berth/spec";

import type { Lens } from "./decide-right.ts";

export type FilePermission = Extract<Permission, { name: "file_system_read" | "file_system_write" }>;

/** Globs of a wanted permission, which say what its one root is: a path that is read or changed, or a folder that is listed. */
export const TOUCHED = ["**"];
export const LISTED = ["*"];

export const isBelow = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`);

/** The path as globs see it. `path` is below `root`. */
export const relativeTo = (path: string, root: string): string =>
  path.slice(root.endsWith("/") ? root.length : root.length + 1);

/**
 * Shows a held permission as if its globs were all, when one of them fits the path below one of its folders. A folder
 * that is listed needs none: what it holds is shown as far as they go.
 */
export function fileLens(
  path: string,
  isListed: boolean,
  budget: GlobBudget,
  fitsGlob: (path: string, glob: string, budget: GlobBudget) => boolean,
): Lens {
  return (held) => {
    if (held.name !== "file_system_read" && held.name !== "file_system_write") return undefined;
    const fits = held.roots.some((root) => {
      if (!isBelow(path, root)) return false;
      const relative = relativeTo(path, root);
      return isListed || held.globs.some((glob) => fitsGlob(relative, glob, budget));
    });
    return fits ? { ...held, globs: ["**"] } : undefined;
  };
}
