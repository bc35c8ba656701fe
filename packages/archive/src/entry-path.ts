import { quote } from "@berth/base";

import { ArchiveError } from "./errors.ts";
import { ARCHIVE_LIMITS } from "./limits.ts";

/** Controls, format characters (bidi, zero-width, BOM), private use, unassigned, separators, variation selectors. */
const UNSAFE_CHARACTER = /[\\:\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]/u;
/** Windows opens a device for these, whatever extension follows. */
const DEVICE_NAME = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9]|lpt[0-9])(?:\.|$)/i;
/** The short form under which Windows also finds a long name. */
const SHORT_NAME = /~[0-9]/;

const encoder = new TextEncoder();

/**
 * Checks the path of an entry (without a folder's closing slash).
 *
 * @throws ArchiveError ARCHIVE_PATH_INVALID
 */
export function verifyEntryPath(path: string): void {
  const refuse = (why: string): never => {
    throw new ArchiveError("ARCHIVE_PATH_INVALID", `the entry ${quote(path)} ${why}`);
  };
  if (path === "") refuse("has no name");
  if (path.startsWith("/")) refuse("has an absolute path");
  const unsafe = UNSAFE_CHARACTER.exec(path);
  if (unsafe !== null) refuse(`holds the character ${quote(unsafe[0])}`);
  if (path.normalize("NFC") !== path || path.normalize("NFKC") !== path) refuse("is not in normal form (NFC and NFKC)");
  const parts = path.split("/");
  if (parts.length > ARCHIVE_LIMITS.parts) refuse(`has more than ${ARCHIVE_LIMITS.parts} parts`);
  for (const part of parts) {
    if (part === "" || part === "." || part === "..") refuse(`has the part ${quote(part)}`);
    if (part.endsWith(".") || part.endsWith(" ")) refuse("has a part that ends in a dot or a space");
    // Windows ignores spaces between a device's name and its extension.
    if (DEVICE_NAME.test(part.replaceAll(" ", ""))) refuse("has the name of a device");
    if (SHORT_NAME.test(part)) refuse("may be the short name of another file");
    if (encoder.encode(part).length > ARCHIVE_LIMITS.partBytes)
      refuse(`has a part longer than ${ARCHIVE_LIMITS.partBytes} bytes`);
  }
}

/** Equal for all paths that some file system takes for the same: NFKC and full case folding. */
export function foldPath(path: string): string {
  // Upper-casing expands what folding expands (ß, ﬁ); lower-casing before it catches capitals that are their own
  // upper case and expand only from below (ẞ); lower-casing after it brings all to one case.
  return path.normalize("NFKC").toLowerCase().toUpperCase().toLowerCase().normalize("NFKC");
}

/** Refuses two entries that some machine takes for one, and files that are folders elsewhere. */
export class PathRegister {
  readonly #kinds = new Map<string, "file" | "folder" | "implied">();

  /** @throws ArchiveError ARCHIVE_PATH_TWICE */
  add(path: string, kind: "file" | "folder"): void {
    const folded = foldPath(path);
    const before = this.#kinds.get(folded);
    if (before !== undefined && !(before === "implied" && kind === "folder")) {
      throw new ArchiveError("ARCHIVE_PATH_TWICE", `the entry ${quote(path)} is the same path as an earlier one`);
    }
    this.#kinds.set(folded, kind);
    for (let slash = folded.lastIndexOf("/"); slash > 0; slash = folded.lastIndexOf("/", slash - 1)) {
      const parent = folded.slice(0, slash);
      const parentKind = this.#kinds.get(parent);
      if (parentKind === "file")
        throw new ArchiveError("ARCHIVE_PATH_TWICE", `the entry ${quote(path)} lies below a file`);
      if (parentKind !== undefined) break; // Its own parents were looked at when it came.
      this.#kinds.set(parent, "implied");
    }
  }
}
