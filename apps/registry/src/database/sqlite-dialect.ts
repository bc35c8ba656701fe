import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { DatabaseConnection, Dialect, Driver, QueryResult } from "kysely";

import type { SqlValue, Store } from "@berth/store";

/**
 * Kysely over the store's worker thread, so that a sync to disk stalls no request. Kysely's own SQLite
 * dialect is synchronous in this thread, and the one made for `node:sqlite` follows an older Kysely.
 */
export function sqliteDialect(store: Store): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new StoreDriver(store),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** One connection. The adapter says so, and Kysely hands it to one user at a time. */
class StoreDriver implements Driver {
  readonly #store: Store;
  readonly #connection: StoreConnection;

  constructor(store: Store) {
    this.#store = store;
    this.#connection = new StoreConnection(store);
  }

  async init(): Promise<void> {
    // The store was opened by whoever passed it.
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // Immediate: a transaction that reads first and writes later cannot fail half-way for the lock.
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {
    // There is only the one.
  }

  async destroy(): Promise<void> {
    await this.#store.close();
  }
}

class StoreConnection implements DatabaseConnection {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#store.execute({ sql, params: parameters as SqlValue[] });
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }

  // eslint-disable-next-line require-yield -- the interface wants an iterator, and this store has none to give
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("the store answers whole results only");
  }
}
