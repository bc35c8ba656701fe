import { cellOf, compareCells, isMissing, makeRow, numberOf } from "./cell.ts";
import type { Cell, Row } from "./cell.ts";
import { Moments, quantile } from "./moments.ts";

export type Operation =
  | "count"
  | "missing"
  | "distinct"
  | "sum"
  | "mean"
  | "min"
  | "max"
  | "median"
  | "variance"
  | "stddev"
  | "first"
  | "last";

/** One measure of each group. `count` without a column counts rows. */
export interface Measure {
  readonly op: Operation;
  readonly column?: string | undefined;
  /** Name of the result's column; else `op_column`. */
  readonly as?: string | undefined;
}

export interface AggregateInput {
  readonly rows: readonly Row[];
  /** Columns whose equal cells make a group; none means one group of all rows. */
  readonly groupBy?: readonly string[] | undefined;
  readonly measures: readonly Measure[];
}

interface Column {
  readonly moments: Moments;
  readonly numbers: number[] | undefined;
  readonly seen: Set<string> | undefined;
  present: number;
  missing: number;
  first: Cell;
  last: Cell;
}

interface Group {
  readonly keys: readonly Cell[];
  readonly columns: readonly Column[];
  rows: number;
}

/**
 * Groups rows and measures each group. Numeric measures take numbers and texts that are numbers; other
 * cells are counted as skipped. Without a number, sum is 0 and the other numeric measures are null.
 * Groups come in the order of their keys.
 */
export function aggregate({ rows, groupBy = [], measures }: AggregateInput): {
  rows: Row[];
  groups: number;
  skipped: number;
} {
  const names = measures.map(nameOf);
  const taken = [...groupBy, ...names];
  const twice = taken.find((name, index) => taken.indexOf(name) !== index);
  if (twice !== undefined)
    throw new TypeError(`two columns of the result would be called ${JSON.stringify(twice)}; name one with "as"`);
  const groups = new Map<string, Group>();
  let skipped = 0;
  // An empty table without grouping still has one group: its count is 0.
  if (groupBy.length === 0) groups.set("[]", makeGroup([], measures));
  for (const row of rows) {
    const keys = groupBy.map((column) => (isMissing(cellOf(row, column)) ? null : cellOf(row, column)));
    const key = JSON.stringify(keys);
    let group = groups.get(key);
    if (group === undefined) {
      group = makeGroup(keys, measures);
      groups.set(key, group);
    }
    group.rows += 1;
    for (const [index, { op, column }] of measures.entries()) {
      if (column !== undefined && !take(group.columns[index] as Column, cellOf(row, column), op)) skipped += 1;
    }
  }
  const sorted = [...groups.values()].toSorted((a, b) => compareKeys(a.keys, b.keys));
  return { rows: sorted.map((group) => rowOf(group, groupBy, measures, names)), groups: sorted.length, skipped };
}

const NUMERIC: ReadonlySet<Operation> = new Set(["sum", "mean", "median", "variance", "stddev"]);

function nameOf({ op, column, as }: Measure): string {
  if (column === undefined && op !== "count") throw new TypeError(`the measure ${JSON.stringify(op)} needs a column`);
  return as ?? (column === undefined ? op : `${op}_${column}`);
}

function makeGroup(keys: readonly Cell[], measures: readonly Measure[]): Group {
  const columns = measures.map(({ op }): Column => ({
    moments: new Moments(),
    numbers: op === "median" ? [] : undefined,
    seen: op === "distinct" ? new Set() : undefined,
    present: 0,
    missing: 0,
    first: null,
    last: null,
  }));
  return { keys, columns, rows: 0 };
}

/** Takes one cell in; false when a numeric measure had to skip it. */
function take(column: Column, cell: Cell, op: Operation): boolean {
  if (isMissing(cell)) {
    column.missing += 1;
    return true;
  }
  const value = NUMERIC.has(op) ? numberOf(cell) : cell;
  if (value === undefined) return false;
  column.present += 1;
  if (column.present === 1) column.first = value;
  if (
    op === "min"
      ? column.present === 1 || compareCells(cell, column.last) < 0
      : op !== "max" || column.present === 1 || compareCells(cell, column.last) > 0
  ) {
    // For min and max, `last` keeps the extreme so far.
    column.last = value;
  }
  if (NUMERIC.has(op)) column.moments.add(value as number);
  column.numbers?.push(value as number);
  column.seen?.add(JSON.stringify(cell));
  return true;
}

function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [index, cell] of a.entries()) {
    const order = compareCells(cell, b[index] as Cell);
    if (order !== 0) return order;
  }
  return 0;
}

function rowOf(group: Group, groupBy: readonly string[], measures: readonly Measure[], names: readonly string[]): Row {
  return makeRow([
    ...groupBy.map((column, index): [string, Cell] => [column, group.keys[index] as Cell]),
    ...measures.map((measure, index): [string, Cell] => [
      names[index] as string,
      resultOf(measure, group, group.columns[index] as Column),
    ]),
  ]);
}

function resultOf({ op, column: name }: Measure, group: Group, column: Column): Cell {
  const { moments, present, missing, first, last } = column;
  switch (op) {
    case "count":
      return name === undefined ? group.rows : present;
    case "missing":
      return missing;
    case "distinct":
      return column.seen?.size ?? 0;
    case "sum":
      return finite(moments.sum);
    case "mean":
      return present === 0 ? null : finite(moments.mean);
    case "median":
      return finite(
        quantile(
          (column.numbers ?? []).toSorted((a, b) => a - b),
          0.5,
        ),
      );
    case "variance":
      return finite(moments.variance);
    case "stddev":
      return moments.variance === undefined ? null : finite(Math.sqrt(moments.variance));
    case "first":
      return first;
    default:
      return last;
  }
}

/** Sums may overflow; JSON has no infinity. */
const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
