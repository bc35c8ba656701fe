import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

const refused = (
  meaning: string,
  cause: string,
  remedy = "Pack the folder again with `berth pack`, which makes none of this.",
): ErrorRow => ({
  kind: "input",
  meaning,
  cause,
  remedy,
});

export const archiveErrors = {
  ARCHIVE_NOT_AN_ARCHIVE: refused(
    "A file is neither a tar nor a tar in one gzip member.",
    "Another format, such as zip, or a file cut short before its first entry.",
  ),
  ARCHIVE_GZIP_INVALID: refused(
    "The gzip layer of an archive is damaged or not what the format allows.",
    "A wrong checksum or length, reserved flags, several members, or bytes after the member.",
  ),
  ARCHIVE_TRUNCATED: refused(
    "An archive ends before it is whole.",
    "An interrupted download or a damaged file.",
    "Fetch the file again.",
  ),
  ARCHIVE_TRAILING_DATA: refused(
    "Something follows the end of an archive.",
    "Two files joined, or data hidden behind the end.",
  ),
  ARCHIVE_EMPTY: refused("An archive has no entry.", "An empty folder was packed."),
  ARCHIVE_HEADER_INVALID: refused(
    "The header of an entry is damaged or ambiguous.",
    "A wrong checksum, a number that is no octal number, or text after the end of a name.",
  ),
  ARCHIVE_ENTRY_TYPE: refused(
    "An archive holds something other than files and folders.",
    "Links, devices, pipes and sparse files lead out of the folder that is extracted to, or cost more than they seem to.",
  ),
  ARCHIVE_EXTENSION_INVALID: refused(
    "The extended header (PAX or GNU) of an entry is damaged, ambiguous or not allowed.",
    "A record of wrong length, a repeated path, a size that differs, or a header without an entry.",
  ),
  ARCHIVE_PATH_INVALID: refused(
    "The name of an entry is not a safe relative path.",
    "Parts such as `..`, absolute paths, backslashes, device names, hidden or look-alike characters.",
    "Rename the file that the message quotes.",
  ),
  ARCHIVE_PATH_TWICE: refused(
    "Two entries would be the same file on some machine, or a file is a folder elsewhere.",
    "Equal names, or names that differ only in case or in Unicode form.",
    "Rename one of the two.",
  ),
  ARCHIVE_TOO_LARGE: refused(
    "An archive is larger than a host reads.",
    "More than 64 MiB, more than 10,000 entries, or compressed more than 100 to 1.",
    "Leave out what the plugin does not need.",
  ),
  ARCHIVE_PACKAGE_INVALID: refused(
    "An archive is sound, but not a package.",
    "The list META/files.json is missing, does not agree with the files, or the archive is not in canonical form.",
  ),
  ARCHIVE_TARGET_UNUSABLE: {
    kind: "environment",
    meaning: "An archive cannot be extracted to the folder named.",
    cause: "The folder exists and is not empty, its parent cannot be written, or the disk is full (ENOSPC).",
    remedy: "Name a folder that does not exist yet, on a disk with room for the files.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ArchiveErrorCode = keyof typeof archiveErrors;

/** Refusals of archives and packages. The whole archive is refused, and nothing of it stays on disk. */
export class ArchiveError extends CodedError<ArchiveErrorCode> {
  constructor(code: ArchiveErrorCode, message: string, extras?: ErrorExtras) {
    super(archiveErrors, code, message, extras);
  }
}
