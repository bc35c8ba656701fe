import { coversGlob, fitsGlob } from "@berth/spec";
import type { GlobBudget, Permission, PermissionRequest } from "@berth/spec";

import { LISTED, isBelow, relativeTo } from "./file-use.ts";

type FileRequest = Extract<PermissionRequest, { name: "file_system_read" | "file_system_write" }>;

/** Files named one by one, up to here: more of them are examples of something. */
const MAX_NAMED = 8;
/** What globs read in their own way, or cannot hold: `?` stands for each. */
const SPECIAL = /[*?\\\p{Cc}]/gu;

/** What was touched, relative to the declared folder that it is in. */
interface Touched {
  readonly files: readonly string[];
  /** Folders that were listed. */
  readonly listed: readonly string[];
}

/**
 * The declared folders in which something was touched, and the narrowest globs for it: the files themselves while they
 * are few, else their folders and endings, else the folder that all are in, else those of the declared globs that fit
 * something. What a listing showed, it still shows.
 *
 * @param isAllowed whether a request can stand in a manifest and asks for no more than was declared
 */
export function narrowFiles(
  declared: FileRequest,
  uses: readonly Permission[],
  isAllowed: (request: FileRequest) => boolean,
  budget: GlobBudget,
): Pick<FileRequest, "roots" | "globs"> {
  const used = new Set<string>();
  const files = new Set<string>();
  const listed = new Set<string>();
  for (const use of uses as readonly FileRequest[]) {
    const [path = ""] = use.roots;
    const above = declared.roots.filter((root) => isBelow(path, root));
    // The broker opens the first of them, whichever it is that a glob fits below.
    const [opened = path] = above;
    used.add(opened);
    const note = (root: string, into: Set<string>): void => {
      used.add(root);
      into.add(relativeTo(path, root));
    };
    const some = (fits: (glob: string) => boolean): boolean => declared.globs.some(fits);
    if (use.globs[0] === LISTED[0]) {
      for (const root of above)
        if (root === opened || some((glob) => mayFitIn(relativeTo(path, root), glob, budget))) note(root, listed);
    } else note(above.find((root) => some((glob) => fitsGlob(relativeTo(path, root), glob, budget))) ?? opened, files);
  }
  const roots = declared.roots.filter((root) => used.has(root));
  const touched = { files: [...files], listed: [...listed] };
  const isPossible = (globs: readonly string[]): boolean => isAllowed({ ...declared, roots, globs: [...globs] });
  const shown = touched.listed.flatMap((folder) => {
    const all = below(folder, "*");
    // Asked first, since it takes from the budget of all: a plugin lists as many folders as it likes.
    const isCovered = declared.globs.some((glob) => coversGlob(glob, all, budget));
    return isCovered && isPossible([all]) ? [all] : declared.globs.filter((glob) => mayFitIn(folder, glob, budget));
  });
  const candidates = [
    ...(files.size <= MAX_NAMED ? [[...touched.files.map(escapeGlob), ...shown]] : []),
    [...touched.files.map((file) => below(folderOf(file), `*${endingOf(file)}`)), ...shown],
    [below(commonFolder(touched), "**")],
  ];
  const globs = candidates.map((each) => withoutCovered(each, budget)).find(isPossible);
  const isNeeded = (glob: string): boolean =>
    touched.files.some((file) => fitsGlob(file, glob, budget)) ||
    touched.listed.some((folder) => mayFitIn(folder, glob, budget));
  return { roots, globs: globs ?? someOf(declared.globs, isNeeded) };
}

/** A folder that is listed may show nothing. */
function someOf(globs: readonly string[], isNeeded: (glob: string) => boolean): string[] {
  const needed = globs.filter(isNeeded);
  return needed.length > 0 ? needed : [...globs];
}

const escapeGlob = (path: string): string => path.replace(SPECIAL, "?");

const folderOf = (file: string): string => file.slice(0, Math.max(file.lastIndexOf("/"), 0));

/** `.csv` of `in/a.csv`; nothing of names that begin with their only dot. */
function endingOf(file: string): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? escapeGlob(name.slice(dot)) : "";
}

const below = (folder: string, glob: string): string => (folder === "" ? glob : `${escapeGlob(folder)}/${glob}`);

/** The deepest folder in which everything was touched. */
function commonFolder({ files, listed }: Touched): string {
  const [first = [], ...others] = [...files.map(folderOf), ...listed].map((folder) => folder.split("/"));
  const differs = first.findIndex((part, index) => others.some((each) => each[index] !== part));
  return first.slice(0, differs < 0 ? first.length : differs).join("/");
}

/** Each once, and none that another stands for. */
function withoutCovered(globs: readonly string[], budget: GlobBudget): string[] {
  const all = [...new Set(globs)].toSorted();
  // Far more than a manifest may hold: not worth comparing each with each.
  if (all.length > MAX_COMPARED) return all;
  return all.filter(
    (glob, index) =>
      !all.some(
        (other, at) =>
          at !== index && coversGlob(other, glob, budget) && (at < index || !coversGlob(glob, other, budget)),
      ),
  );
}

const MAX_COMPARED = 256;

/** Whether something directly in a folder may fit a glob; a yes where that is long to tell. */
function mayFitIn(folder: string, glob: string, budget: GlobBudget): boolean {
  const parts = glob.split("/");
  if (parts.includes("**")) return true;
  const above = parts.slice(0, -1).join("/");
  return folder === "" ? above === "" : above !== "" && fitsGlob(folder, above, budget);
}
