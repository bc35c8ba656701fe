/** What an archive may cost, checked before and while it is inflated. */
export const ARCHIVE_LIMITS = {
  /** Bytes of all files together. */
  totalBytes: 64 * 1_048_576,
  entries: 10_000,
  /** Inflated bytes for each compressed byte, once the archive is larger than `ratioFromBytes`. */
  ratio: 100,
  ratioFromBytes: 1_048_576,
  /** Data of one PAX or long-name header, bytes. */
  extensionBytes: 65_536,
  partBytes: 255,
  parts: 64,
} as const;
