// The thread that owns the database: a sync to disk stalls this thread and nobody else.
import { closeSync, constants, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";

import type { StoreErrorCode } from "./errors.ts";
import type {
  Row,
  SqlValue,
  Statement,
  StatementResult,
  ToWorker,
  WorkerReply,
  WorkerRequest,
  WorkerStart,
} from "./statement.ts";

const MAX_PREPARED = 200;
/** Replies that are ready within so short a time leave together: waking the other thread costs more than a reply. */
const TOGETHER_MS = 0.2;

class Refusal extends Error {
  readonly code: StoreErrorCode;
  /** Index of the statement whose expectation did not hold. */
  readonly statement: number | undefined;

  constructor(code: StoreErrorCode, message: string, statement?: number) {
    super(message);
    this.code = code;
    this.statement = statement;
  }
}

/** SQLite's primary result codes that deserve a code of their own. */
const CODES = new Map<number, StoreErrorCode>([
  [5, "STORE_BUSY"],
  [11, "STORE_DAMAGED"],
  [13, "STORE_DISK_FULL"],
  [26, "STORE_DAMAGED"],
]);
/** Extended codes: a write that a quota or a limit on file sizes ended is not "full" to SQLite. */
const EXTENDED_CODES = new Map<number, StoreErrorCode>([[778, "STORE_DISK_FULL"]]);

function refusalOf(error: unknown): NonNullable<WorkerReply["error"]> {
  if (error instanceof Refusal) {
    const { code, message, statement } = error;
    return { code, message, ...(statement !== undefined && { statement }) };
  }
  const { errcode, message } = error as { errcode?: number; message?: string };
  const code = errcode === undefined ? undefined : (EXTENDED_CODES.get(errcode) ?? CODES.get(errcode & 0xff));
  return { code: code ?? "STORE_FAILED", message: message ?? "unknown error" };
}

function open({ file, migrations, busyMs }: WorkerStart): DatabaseSync {
  // SQLite would make the file readable for everybody; its journal gets the mode of the file.
  closeSync(openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600));
  const database = new DatabaseSync(file, { timeout: busyMs });
  // Exclusive mode holds the file's lock for as long as the process lives, however it ends. What is deleted is
  // overwritten, so that erased data is not found in the file.
  database.exec(
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;",
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
  { sql, params = [], expectChanges, expectRows }: Statement,
  index: number,
): StatementResult {
  let statement = prepared.get(sql);
  if (statement === undefined) {
    statement = database.prepare(sql);
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    prepared.set(sql, statement);
  }
  const returnsRows = statement.columns().length > 0;
  if (returnsRows) {
    const rows = statement.all(...(params as SqlValue[])) as Row[];
    if (expectRows !== undefined && rows.length !== expectRows) {
      throw new Refusal("STORE_EXPECTATION", `expected ${expectRows} rows, found ${rows.length}`, index);
    }
    return { rows, changes: 0 };
  }
  const changes = Number(statement.run(...(params as SqlValue[])).changes);
  if (expectChanges !== undefined && changes !== expectChanges) {
    throw new Refusal("STORE_EXPECTATION", `expected ${expectChanges} changed rows, found ${changes}`, index);
  }
  return { rows: [], changes };
}

function serve(): void {
  const port = parentPort;
  if (port === null) throw new Error("the store's worker runs in a worker thread only");
  let database: DatabaseSync;
  try {
    database = open(workerData as WorkerStart);
  } catch (error) {
    port.postMessage([{ id: 0, error: refusalOf(error) }] satisfies WorkerReply[]);
    return;
  }
  const prepared = new Map<string, StatementSync>();
  const answer = ({ id, kind, statements }: WorkerRequest): WorkerReply => {
    const runAll = (): StatementResult[] =>
      statements.map((statement, index) => run(database, prepared, statement, index));
    try {
      // A statement by itself takes no write lock: SQLite gives each a consistent view of its own.
      if (kind === "bare") return { id, results: runAll() };
      database.exec("BEGIN IMMEDIATE");
      const results = runAll();
      database.exec("COMMIT");
      return { id, results };
    } catch (error) {
      if (kind === "transaction" && database.isTransaction) database.exec("ROLLBACK");
      return { id, error: refusalOf(error) };
    }
  };
  port.on("message", (first: ToWorker) => {
    const startedAt = performance.now();
    const replies: WorkerReply[] = [];
    let request: ToWorker | undefined = first;
    while (request !== undefined && request !== "close") {
      replies.push(answer(request));
      const isTime = performance.now() - startedAt > TOGETHER_MS;
      request = isTime ? undefined : (receiveMessageOnPort(port)?.message as ToWorker | undefined);
    }
    if (replies.length > 0) port.postMessage(replies);
    if (request !== "close") return;
    database.close();
    port.close();
  });
  port.postMessage([{ id: 0, results: [] }] satisfies WorkerReply[]);
}

serve();
