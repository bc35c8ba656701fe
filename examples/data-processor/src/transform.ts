import { cellOf, compareCells, isMissing, makeRow, numberOf } from "./cell.ts";
import type { Cell, Row } from "./cell.ts";

/** One step; steps run in their order. */
export type Step =
  | { readonly step: "select"; readonly columns: readonly string[] }
  | { readonly step: "drop"; readonly columns: readonly string[] }
  | { readonly step: "rename"; readonly from: string; readonly to: string }
  | { readonly step: "fill"; readonly column: string; readonly value: Cell }
  | { readonly step: "cast"; readonly column: string; readonly to: "number" | "text" | "boolean" }
  | {
      readonly step: "compute";
      readonly as: string;
      readonly op: "add" | "subtract" | "multiply" | "divide" | "concat";
      readonly left: Operand;
      readonly right: Operand;
    }
  | {
      readonly step: "sort";
      readonly by: readonly { readonly column: string; readonly descending?: boolean | undefined }[];
    }
  | { readonly step: "distinct"; readonly columns?: readonly string[] | undefined }
  | { readonly step: "limit"; readonly count: number; readonly offset?: number | undefined };

/** A column's cell, or a constant. */
export type Operand = { readonly column: string } | { readonly value: Cell };

export interface TransformInput {
  readonly rows: readonly Row[];
  readonly steps: readonly Step[];
}

/** The table after all steps, and how many cells could not be cast or computed and became null. */
export function transform({ rows, steps }: TransformInput): { rows: Row[]; failedCells: number } {
  let table: readonly Row[] = rows;
  const failures = { count: 0 };
  for (const step of steps) table = apply(table, step, failures);
  return { rows: [...table], failedCells: failures.count };
}

interface Failures {
  count: number;
}

function apply(rows: readonly Row[], step: Step, failures: Failures): readonly Row[] {
  switch (step.step) {
    case "select":
      return rows.map((row) => makeRow(step.columns.map((column): [string, Cell] => [column, cellOf(row, column)])));
    case "drop": {
      const dropped = new Set(step.columns);
      return rows.map((row) => makeRow(Object.entries(row).filter(([column]) => !dropped.has(column))));
    }
    case "rename":
      return rows.map((row) => rename(row, step.from, step.to));
    case "fill":
      return rows.map((row) => (isMissing(cellOf(row, step.column)) ? withCell(row, step.column, step.value) : row));
    case "cast":
      return rows.map((row) => withCell(row, step.column, cast(cellOf(row, step.column), step.to, failures)));
    case "compute":
      return rows.map((row) =>
        withCell(row, step.as, compute(step.op, operand(row, step.left), operand(row, step.right), failures)),
      );
    case "sort":
      return rows.toSorted((a, b) => compareRows(a, b, step.by));
    case "distinct":
      return distinct(rows, step.columns);
    case "limit":
      return rows.slice(step.offset ?? 0, (step.offset ?? 0) + step.count);
  }
}

/** Keeps the place of the column among the others; a column already called so gives way. */
function rename(row: Row, from: string, to: string): Row {
  if (!Object.hasOwn(row, from)) return row;
  const others = Object.entries(row).filter(([column]) => column !== to || column === from);
  return makeRow(others.map(([column, cell]): [string, Cell] => [column === from ? to : column, cell]));
}

const withCell = (row: Row, column: string, cell: Cell): Row => makeRow([...Object.entries(row), [column, cell]]);

const operand = (row: Row, given: Operand): Cell => ("column" in given ? cellOf(row, given.column) : given.value);

const TRUE: ReadonlySet<string> = new Set(["true", "yes", "1"]);
const FALSE: ReadonlySet<string> = new Set(["false", "no", "0"]);

function cast(cell: Cell, to: "number" | "text" | "boolean", failures: Failures): Cell {
  if (isMissing(cell)) return null;
  if (to === "text") return String(cell);
  const text = String(cell).trim().toLowerCase();
  const value =
    to === "boolean"
      ? TRUE.has(text)
        ? true
        : FALSE.has(text)
          ? false
          : undefined
      : typeof cell === "boolean"
        ? Number(cell)
        : numberOf(cell);
  if (value === undefined) failures.count += 1;
  return value ?? null;
}

/** Missing operands make missing results; what cannot be computed is counted and becomes null. */
function compute(
  op: "add" | "subtract" | "multiply" | "divide" | "concat",
  left: Cell,
  right: Cell,
  failures: Failures,
): Cell {
  if (isMissing(left) || isMissing(right)) return null;
  if (op === "concat") return `${String(left)}${String(right)}`;
  const [a, b] = [numberOf(left), numberOf(right)];
  const result = a === undefined || b === undefined ? Number.NaN : arithmetic(op, a, b);
  if (Number.isFinite(result)) return result;
  failures.count += 1;
  return null;
}

function arithmetic(op: "add" | "subtract" | "multiply" | "divide", a: number, b: number): number {
  switch (op) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      return a / b;
  }
}

/** Missing cells come last in either direction. */
function compareRows(
  a: Row,
  b: Row,
  by: readonly { readonly column: string; readonly descending?: boolean | undefined }[],
): number {
  for (const { column, descending = false } of by) {
    const [left, right] = [cellOf(a, column), cellOf(b, column)];
    const order = compareCells(left, right);
    if (order !== 0) return descending && !isMissing(left) && !isMissing(right) ? -order : order;
  }
  return 0;
}

function distinct(rows: readonly Row[], columns: readonly string[] | undefined): Row[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const key = JSON.stringify(
      columns === undefined
        ? Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1))
        : columns.map((column) => cellOf(row, column)),
    );
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
