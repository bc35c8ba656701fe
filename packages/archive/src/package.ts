import { canonicalJson, compareBytes, decodeUtf8, quote, utf8 } from "@berth/base";

import { ArchiveError } from "./errors.ts";
import { sha256Hex } from "./node-digest.ts";
import { GZIP_HEADER, gunzip } from "./node-gzip.ts";
import { formatTar, packArchive } from "./pack-archive.ts";
import type { PackEntry } from "./pack-archive.ts";
import { readTar } from "./read-archive.ts";

const FILE_LIST = "META/files.json";
const META = "META/";
const ENVELOPE = /^META\/[a-z0-9-]{1,64}\.dsse$/;

/** A file of a package. */
export interface PackageFile {
  readonly bytes: Uint8Array;
  readonly mode: 0o644 | 0o755;
}

/** A package that was read and found consistent with itself. Who signed it is another question. */
export interface Package {
  /** Files outside META, by path. */
  readonly files: ReadonlyMap<string, PackageFile>;
  /** What the release is: `sha256:` and the digest of the canonical file list. */
  readonly contentDigest: string;
  /** `sha256:` and the digest of the file as it came. */
  readonly fileDigest: string;
  /** Signatures, by path. Not part of the content, so that signing changes no identity. */
  readonly envelopes: ReadonlyMap<string, Uint8Array>;
}

const NO_ENVELOPES: ReadonlyMap<string, Uint8Array> = new Map();

/**
 * Packs files, and signatures if there are any, into a package.
 *
 * @throws ArchiveError ARCHIVE_PATH_INVALID and others, when a file cannot be part of a package
 */
export function packPackage({
  files,
  envelopes = NO_ENVELOPES,
}: {
  readonly files: readonly PackEntry[];
  readonly envelopes?: ReadonlyMap<string, Uint8Array>;
}): { bytes: Uint8Array<ArrayBuffer>; contentDigest: string } {
  const entries = canonicalEntries(files, envelopes);
  const list = entries[0]?.bytes ?? new Uint8Array(0);
  const bytes = packArchive(entries);
  readPackage(bytes);
  return { bytes, contentDigest: `sha256:${sha256Hex(list)}` };
}

/** META/files.json, signatures, files: each group in the order of its paths' UTF-8 bytes. */
function canonicalEntries(files: readonly PackEntry[], envelopes: ReadonlyMap<string, Uint8Array>): PackEntry[] {
  const sorted = files.toSorted((a, b) => compareBytes(utf8(a.path), utf8(b.path)));
  const list = sorted.map(({ path, bytes, mode = 0o644 }) => ({
    path,
    mode,
    size: bytes.length,
    sha256: sha256Hex(bytes),
  }));
  const signatures = [...envelopes]
    .map(([path, bytes]) => ({ path, bytes }))
    .toSorted((a, b) => compareBytes(utf8(a.path), utf8(b.path)));
  return [{ path: FILE_LIST, bytes: utf8(canonicalJson(list)) }, ...signatures, ...sorted];
}

const invalid = (what: string): ArchiveError => new ArchiveError("ARCHIVE_PACKAGE_INVALID", what);

/**
 * Reads a package: a sound archive in canonical form whose list agrees with its files. Canonical means
 * that packing its files again gives the same tar, so there is no second way to say the same.
 *
 * @throws ArchiveError
 */
export function readPackage(bytes: Uint8Array): Package {
  if (!GZIP_HEADER.every((byte, index) => bytes[index] === byte))
    throw invalid("the file does not start as a package does");
  const tar = gunzip(bytes);
  const entries = readTar(tar);
  const files = new Map<string, PackageFile>();
  const envelopes = new Map<string, Uint8Array>();
  const [first, ...rest] = entries;
  if (first?.path !== FILE_LIST) throw invalid(`expected ${FILE_LIST} first, found ${quote(first?.path)}`);
  for (const { path, kind, mode, bytes: content } of rest) {
    if (kind !== "file")
      throw invalid(`the package has a folder of its own, ${quote(path)}; folders follow from files`);
    if (!path.toUpperCase().startsWith(META)) files.set(path, { bytes: content, mode });
    else if (ENVELOPE.test(path)) envelopes.set(path, content);
    else throw invalid(`${quote(path)} does not belong in META`);
  }
  const canonical = canonicalEntries(
    [...files].map(([path, file]) => ({ path, ...file })),
    envelopes,
  );
  const list = canonical[0]?.bytes as Uint8Array;
  if (compareBytes(list, first.bytes) !== 0) throw invalid(explainDifference(first.bytes, list));
  if (compareBytes(formatTar(canonical), tar) !== 0) throw invalid("the archive is not in canonical form");
  return { files, contentDigest: `sha256:${sha256Hex(list)}`, fileDigest: `sha256:${sha256Hex(bytes)}`, envelopes };
}

/** Names one file on which list and archive differ. */
function explainDifference(found: Uint8Array, expected: Uint8Array): string {
  const lines = (bytes: Uint8Array): Map<string, string> => {
    try {
      const list = JSON.parse(decodeUtf8(bytes)) as { path: string }[];
      return new Map(list.map((item) => [String(item.path), JSON.stringify(item)]));
    } catch {
      return new Map(); // Not a list at all; the general words below say so.
    }
  };
  const listed = lines(found);
  for (const [path, line] of lines(expected)) {
    if (!listed.has(path)) return `${quote(path)} is in the package but not in its ${FILE_LIST}`;
    if (listed.get(path) !== line) return `${quote(path)} is not the file that ${FILE_LIST} describes`;
    listed.delete(path);
  }
  const [missing] = listed.keys();
  return missing === undefined
    ? `${FILE_LIST} is not in canonical form`
    : `${quote(missing)} is in ${FILE_LIST} but not in the package`;
}

/** The same package with other signatures: nothing outside META changes. */
export function replaceEnvelopes(
  bytes: Uint8Array,
  envelopes: ReadonlyMap<string, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  const { files } = readPackage(bytes);
  return packPackage({ files: [...files].map(([path, file]) => ({ path, ...file })), envelopes }).bytes;
}
