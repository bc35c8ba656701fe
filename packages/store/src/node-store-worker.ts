// The thread that owns the database: a sync to disk stalls this thread and nobody else.
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";

import type { StoreErrorCode } from "./errors.ts";
import type {
  Row,
  SqlValue,
  Statement,
  StatementResult,
  WorkerReply,
  WorkerRequest,
  WorkerStart,
} from "./statement.ts";

const MAX_PREPARED = 200;

class Refusal extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** SQLite's primary result codes that deserve a code of their own. */
const CODES = new Map<number, StoreErrorCode>([
  [5, "STORE_BUSY"],
  [11, "STORE_DAMAGED"],
  [13, "STORE_DISK_FULL"],
  [26, "STORE_DAMAGED"],
]);

function refusalOf(error: unknown): { code: StoreErrorCode; message: string } {
  if (error instanceof Refusal) return { code: error.code, message: error.message };
  const { errcode, message } = error as { errcode?: number; message?: string };
  const code = errcode === undefined ? undefined : CODES.get(errcode & 0xff);
  return { code: code ?? "STORE_FAILED", message: message ?? "unknown error" };
}

function open({ file, migrations, busyMs }: WorkerStart): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: busyMs });
  // Exclusive mode holds the file's lock for as long as the process lives, however it ends.
  database.exec(
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
  );
  database.exec("BEGIN EXCLUSIVE");
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw new Refusal(
      "STORE_TOO_NEW",
      `the database has schema version ${version}, this Berth knows up to ${migrations.length}`,
    );
  }
  for (const migration of migrations.slice(version)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${migrations.length}`);
  database.exec("COMMIT");
  return database;
}

function run(
  database: DatabaseSync,
  prepared: Map<string, StatementSync>,
  { sql, params = [], expectChanges }: Statement,
): StatementResult {
  let statement = prepared.get(sql);
  if (statement === undefined) {
    statement = database.prepare(sql);
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    prepared.set(sql, statement);
  }
  const returnsRows = statement.columns().length > 0;
  if (returnsRows) return { rows: statement.all(...(params as SqlValue[])) as Row[], changes: 0 };
  const changes = Number(statement.run(...(params as SqlValue[])).changes);
  if (expectChanges !== undefined && changes !== expectChanges) {
    throw new Refusal("STORE_EXPECTATION", `expected ${expectChanges} changed rows, found ${changes}`);
  }
  return { rows: [], changes };
}

function serve(): void {
  const port = parentPort;
  if (port === null) throw new Error("the store's worker runs in a worker thread only");
  const reply = (message: WorkerReply): void => port.postMessage(message);
  let database: DatabaseSync;
  try {
    database = open(workerData as WorkerStart);
  } catch (error) {
    reply({ id: 0, error: refusalOf(error) });
    return;
  }
  const prepared = new Map<string, StatementSync>();
  port.on("message", (request: WorkerRequest | "close") => {
    if (request === "close") {
      database.close();
      return port.close();
    }
    const { id, statements } = request;
    try {
      database.exec("BEGIN IMMEDIATE");
      const results = statements.map((statement) => run(database, prepared, statement));
      database.exec("COMMIT");
      reply({ id, results });
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      reply({ id, error: refusalOf(error) });
    }
  });
  reply({ id: 0, results: [] });
}

serve();
