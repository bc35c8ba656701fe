import { cellOf, compareCells, isMissing, numberOf } from "./cell.ts";
import type { Cell, Row } from "./cell.ts";

/** One comparison of a column with a value. */
export interface Comparison {
  readonly column: string;
  readonly op:
    | "eq"
    | "ne"
    | "lt"
    | "le"
    | "gt"
    | "ge"
    | "in"
    | "contains"
    | "startsWith"
    | "endsWith"
    | "missing"
    | "present";
  readonly value?: Cell | readonly Cell[] | undefined;
}

/** Comparisons that all hold, or of which any holds. */
export interface FilterInput {
  readonly rows: readonly Row[];
  readonly where: readonly Comparison[];
  /** `all` (default) or `any`. */
  readonly match?: "all" | "any" | undefined;
  /** Keep the rows that do not match instead. */
  readonly invert?: boolean | undefined;
}

/** Rows that match, in their order, and how many did not. */
export function filter({ rows, where, match = "all", invert = false }: FilterInput): {
  rows: Row[];
  kept: number;
  dropped: number;
} {
  const tests = where.map(makeTest);
  const matches = (row: Row): boolean =>
    match === "all" ? tests.every((test) => test(row)) : tests.some((test) => test(row));
  const kept = rows.filter((row) => matches(row) !== invert);
  return { rows: kept, kept: kept.length, dropped: rows.length - kept.length };
}

type Test = (row: Row) => boolean;

/**
 * Ordering compares numbers with numbers (texts that are numbers count when the value is a number) and
 * texts with texts; anything else, and whatever is missing, does not match.
 */
function makeTest({ column, op, value }: Comparison): Test {
  const list = Array.isArray(value) ? (value as readonly Cell[]) : undefined;
  const wanted = list === undefined ? ((value ?? null) as Cell) : null;
  if (op === "in" && list === undefined)
    throw new TypeError(`the comparison "in" of column ${JSON.stringify(column)} needs a list of values`);
  if (op !== "in" && list !== undefined)
    throw new TypeError(
      `the comparison ${JSON.stringify(op)} of column ${JSON.stringify(column)} takes one value, not a list`,
    );
  switch (op) {
    case "missing":
      return (row) => isMissing(cellOf(row, column));
    case "present":
      return (row) => !isMissing(cellOf(row, column));
    case "eq":
      return (row) => isSame(cellOf(row, column), wanted);
    case "ne":
      return (row) => !isSame(cellOf(row, column), wanted);
    case "in":
      return (row) => (list ?? []).some((each) => isSame(cellOf(row, column), each));
    case "contains":
      return (row) => textTest(cellOf(row, column), wanted, (text, part) => text.includes(part));
    case "startsWith":
      return (row) => textTest(cellOf(row, column), wanted, (text, part) => text.startsWith(part));
    case "endsWith":
      return (row) => textTest(cellOf(row, column), wanted, (text, part) => text.endsWith(part));
    case "lt":
      return (row) => orderTest(cellOf(row, column), wanted, (order) => order < 0);
    case "le":
      return (row) => orderTest(cellOf(row, column), wanted, (order) => order <= 0);
    case "gt":
      return (row) => orderTest(cellOf(row, column), wanted, (order) => order > 0);
    case "ge":
      return (row) => orderTest(cellOf(row, column), wanted, (order) => order >= 0);
  }
}

function isSame(cell: Cell, wanted: Cell): boolean {
  if (isMissing(cell) || isMissing(wanted)) return isMissing(cell) && isMissing(wanted);
  return typeof wanted === "number" ? numberOf(cell) === wanted : cell === wanted;
}

const textTest = (cell: Cell, wanted: Cell, holds: (text: string, part: string) => boolean): boolean =>
  typeof cell === "string" && typeof wanted === "string" && holds(cell, wanted);

function orderTest(cell: Cell, wanted: Cell, holds: (order: number) => boolean): boolean {
  if (isMissing(cell) || isMissing(wanted)) return false;
  const found = typeof wanted === "number" ? (numberOf(cell) ?? cell) : cell;
  return typeof found === typeof wanted && holds(compareCells(found, wanted));
}
