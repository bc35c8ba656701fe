/** What SQLite binds and returns. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One statement of a transaction. */
export interface Statement {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  /** Undo the whole transaction unless exactly so many rows change. */
  readonly expectChanges?: number;
  /** Undo the whole transaction unless exactly so many rows come back. */
  readonly expectRows?: number;
}

export type Row = Readonly<Record<string, SqlValue>>;

/** What a statement did: the rows it returned, and how many it changed. */
export interface StatementResult {
  readonly rows: readonly Row[];
  readonly changes: number;
}

/** A step of the schema: its statements run once, in order of their index. */
export type Migration = string;

/** What the store's worker is started with. */
export interface WorkerStart {
  readonly file: string;
  readonly migrations: readonly Migration[];
  readonly busyMs: number;
}

export interface WorkerRequest {
  readonly id: number;
  /** `bare` runs the statements as they are: the caller opens and ends transactions itself, or needs none. */
  readonly kind: "transaction" | "bare";
  readonly statements: readonly Statement[];
}

/** `close` ends the worker after what was asked before it. */
export type ToWorker = WorkerRequest | "close";

/** Replies come in lists, in the order of their requests. */
export interface WorkerReply {
  /** 0 is the reply to the start itself. */
  readonly id: number;
  readonly results?: readonly StatementResult[];
  readonly error?: { readonly code: string; readonly message: string; readonly statement?: number };
}
