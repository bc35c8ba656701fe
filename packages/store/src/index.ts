export { StoreError, storeErrors } from "./errors.ts";
export type { StoreErrorCode } from "./errors.ts";
export { Store } from "./node-store.ts";
export type { StoreOptions } from "./node-store.ts";
export type { Migration, Row, SqlValue, Statement, StatementResult } from "./statement.ts";
