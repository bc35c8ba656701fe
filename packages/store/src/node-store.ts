import { Worker } from "node:worker_threads";

import { StoreError, storeErrors } from "./errors.ts";
import type { StoreErrorCode } from "./errors.ts";
import type { Migration, Row, SqlValue, Statement, StatementResult, WorkerReply, WorkerStart } from "./statement.ts";

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

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: WorkerReply) => this.#take(reply));
    worker.on("error", (error) =>
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
    // Node runs the sources in development and `dist` when published.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const workerData: WorkerStart = { file, migrations, busyMs };
    const worker = new Worker(new URL(`node-store-worker.${extension}`, import.meta.url), { workerData, stdin: false });
    const store = new Store(worker);
    await new Promise<void>((resolve, reject) => {
      store.#waiting.set(0, { resolve: () => resolve(), reject });
    });
    return store;
  }

  /**
   * Runs statements in one transaction: all of them, synced to disk, or none.
   *
   * @throws StoreError STORE_EXPECTATION, STORE_DISK_FULL, STORE_DAMAGED, STORE_FAILED, STORE_CLOSED
   */
  transaction(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.#isClosed) return Promise.reject(new StoreError("STORE_CLOSED", "the store is closed"));
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, statements });
    });
  }

  /** Runs one query. */
  async all(sql: string, params: readonly SqlValue[] = []): Promise<readonly Row[]> {
    const [result] = await this.transaction([{ sql, params }]);
    return result?.rows ?? [];
  }

  /** Waits for what is under way, then closes the database. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.postMessage("close");
    await exited;
  }

  #take({ id, results, error }: WorkerReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(results ?? []);
    else waiting?.reject(new StoreError(isStoreCode(error.code) ? error.code : "STORE_FAILED", error.message));
  }

  #failAll(error: StoreError): void {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const isStoreCode = (code: string): code is StoreErrorCode => Object.hasOwn(storeErrors, code);
