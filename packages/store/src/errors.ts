import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const storeErrors = {
  STORE_BUSY: {
    kind: "environment",
    meaning: "Another process holds the database.",
    cause: "One process at a time owns a data directory.",
    remedy: "Wait for the other process to end, or use another data directory.",
  },
  STORE_DISK_FULL: {
    kind: "environment",
    meaning: "The disk took no more; the change was undone.",
    cause: "The disk is full, or a quota or a limit on the size of files was reached.",
    remedy: "Free disk space or raise the limit, and repeat the operation. Nothing was half-written.",
  },
  STORE_DAMAGED: {
    kind: "environment",
    meaning: "The database file is damaged or not a database.",
    cause: "The file was overwritten or the disk failed.",
    remedy: "Restore the data directory from a backup.",
  },
  STORE_TOO_NEW: {
    kind: "environment",
    meaning: "The database was written by a newer Berth.",
    cause: "An older Berth was started on the data directory of a newer one.",
    remedy: "Use the newer Berth, or another data directory.",
  },
  STORE_EXPECTATION: {
    kind: "internal",
    meaning: "A statement changed another number of rows than it had to; the transaction was undone.",
    cause: "Somebody else changed the rows first, or a condition in the statement did not hold.",
    remedy: "Callers of the store turn this into their own refusal.",
  },
  STORE_FAILED: {
    kind: "internal",
    meaning: "SQLite refused a statement.",
    cause: "A mistake in Berth, or an input/output error of the disk.",
    remedy: "Report the message.",
  },
  STORE_CLOSED: {
    kind: "usage",
    meaning: "The store was used after it was closed.",
    cause: "An operation ran on after `close()`.",
    remedy: "Wait for operations to end before closing.",
  },
} as const satisfies Record<string, ErrorRow>;

export type StoreErrorCode = keyof typeof storeErrors;

/** Failures of the database; the transaction they belong to was undone. */
export class StoreError extends CodedError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, extras?: ErrorExtras) {
    super(storeErrors, code, message, extras);
  }
}
