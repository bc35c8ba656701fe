/** What a table holds in one place. */
export type Cell = null | boolean | number | string;

/** A row: column names and cells. A column that a row lacks is missing there, like `null`. */
export type Row = Record<string, Cell>;

/** The cell of a column; `null` when the row lacks it. Own members only: a column may be called "constructor". */
export function cellOf(row: Row, column: string): Cell {
  return Object.hasOwn(row, column) ? (row[column] as Cell) : null;
}

/** Missing: absent, `null`, or an empty text. */
export function isMissing(cell: Cell): boolean {
  return cell === null || cell === "";
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number a cell stands for: numbers, and texts that are decimal numbers. Booleans are not numbers. */
export function numberOf(cell: Cell): number | undefined {
  if (typeof cell === "number") return cell;
  if (typeof cell !== "string" || !NUMBER.test(cell.trim())) return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

const RANK: Readonly<Record<string, number>> = { number: 0, string: 1, boolean: 2 };

/**
 * A total order of cells: numbers by size, then texts by code unit, then false and true, then missing.
 * Texts are not numbers here: "10" sorts among texts.
 */
export function compareCells(a: Cell, b: Cell): number {
  if (isMissing(a) || isMissing(b)) return Number(isMissing(a)) - Number(isMissing(b));
  if (typeof a !== typeof b) return (RANK[typeof a] as number) - (RANK[typeof b] as number);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

/** A row without a prototype to trip over, made of pairs. */
export function makeRow(pairs: Iterable<readonly [string, Cell]>): Row {
  const row: Row = {};
  for (const [column, cell] of pairs) {
    // Assigning to "__proto__" would change the prototype instead of making a column.
    Object.defineProperty(row, column, { value: cell, enumerable: true, configurable: true, writable: true });
  }
  return row;
}
