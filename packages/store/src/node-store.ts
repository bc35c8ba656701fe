import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import { StoreError, storeErrors } from "./errors.ts";
import type { StoreErrorCode } from "./errors.ts";
import type {
  Migration,
  Row,
  SqlValue,
  Statement,
  StatementResult,
  WorkerReply,
  WorkerRequest,
  WorkerStart,
} from "./statement.ts";

export interface StoreOptions {
  /** Path of the database file. */
  readonly file: string;
  /** Every step of the schema since the beginning; never change one that was released. */
  readonly migrations: readonly Migration[];
  /** How long to wait for another process to let go of the file. Default 5,000. */
  readonly busyMs?: number;
}

interface Waiting {
  readonly resolve: (results: readonly StatementResult[]) => void;
  readonly reject: (error: StoreError) => void;
}

/** A SQLite database in a worker thread. Owned by whoever opened it; close it. */
export class Store {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (replies: readonly WorkerReply[]) => {
      for (const reply of replies) this.#take(reply);
    });
    worker.on("error", (error: Error) =>
      this.#failAll(new StoreError("STORE_FAILED", `the store's thread failed: ${error.message}`)),
    );
    worker.on("exit", () => this.#failAll(new StoreError("STORE_CLOSED", "the store is closed")));
  }

  /**
   * Opens the database, alone, and brings its schema up to date.
   *
   * @throws StoreError STORE_BUSY, STORE_DAMAGED, STORE_TOO_NEW, STORE_DISK_FULL, STORE_FAILED
   */
  static async open({ file, migrations, busyMs = 5_000 }: StoreOptions): Promise<Store> {
    const workerData: WorkerStart = { file, migrations, busyMs };
    const worker = new Worker(new URL(programFile(import.meta.url, "node-store-worker")), { workerData, stdin: false });
    const store = new Store(worker);
    await new Promise<void>((resolve, reject) => {
      store.#waiting.set(0, { resolve: () => resolve(), reject });
    });
    return store;
  }

  /**
   * Runs statements in one transaction: all of them, synced to disk, or none.
   *
   * @throws StoreError STORE_EXPECTATION with `details.statement`, its index; STORE_DISK_FULL, STORE_DAMAGED,
   *   STORE_FAILED, STORE_CLOSED
   */
  transaction(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    return this.#ask("transaction", statements);
  }

  /**
   * Runs one query, outside any transaction: it sees every change that was asked for before it.
   *
   * @throws StoreError STORE_DAMAGED, STORE_FAILED, STORE_CLOSED
   */
  async all(sql: string, params: readonly SqlValue[] = []): Promise<readonly Row[]> {
    const [result] = await this.#ask("bare", [{ sql, params }]);
    return result?.rows ?? [];
  }

  /**
   * Runs one statement as it is, `BEGIN` and `COMMIT` included. For a query builder that keeps its own
   * transactions; such a caller lets nobody else use this store while one of them is open.
   *
   * @throws StoreError STORE_BUSY, STORE_DISK_FULL, STORE_DAMAGED, STORE_FAILED, STORE_CLOSED
   */
  async execute(statement: Statement): Promise<StatementResult> {
    const [result] = await this.#ask("bare", [statement]);
    return result ?? { rows: [], changes: 0 };
  }

  #ask(kind: WorkerRequest["kind"], statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.#isClosed) return Promise.reject(new StoreError("STORE_CLOSED", "the store is closed"));
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { resolve, reject });
      const request: WorkerRequest = { id, kind, statements };
      this.#worker.postMessage(request);
    });
  }

  /** Waits for what is under way, then closes the database. */
  close(): Promise<void> {
    // Whoever closes a second time waits for the same end: only then is the file free.
    this.#closing ??= this.#isClosed ? Promise.resolve() : this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.postMessage("close");
    await exited;
  }

  #take({ id, results, error }: WorkerReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(results ?? []);
    else waiting?.reject(errorOf(error));
  }

  #failAll(error: StoreError): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function errorOf({ code, message, statement }: NonNullable<WorkerReply["error"]>): StoreError {
  const extras = statement === undefined ? {} : { details: { statement } };
  return new StoreError(isStoreCode(code) ? code : "STORE_FAILED", message, extras);
}

const isStoreCode = (code: string): code is StoreErrorCode => Object.hasOwn(storeErrors, code);
