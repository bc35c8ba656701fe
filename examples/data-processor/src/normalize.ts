import { cellOf, isMissing, makeRow, numberOf } from "./cell.ts";
import type { Cell, Row } from "./cell.ts";
import { Moments, quantile } from "./moments.ts";

export type Method = "min-max" | "z-score" | "robust" | "max-abs";

export interface NormalizeInput {
  readonly rows: readonly Row[];
  readonly columns: readonly string[];
  /** Default `min-max`. */
  readonly method?: Method | undefined;
}

/** What was done to a column: value = (cell − shift) / scale. */
export interface Scaling {
  readonly column: string;
  readonly shift: number;
  readonly scale: number;
  /** Cells that were scaled, were missing, and were left as they are because they are no numbers. */
  readonly scaled: number;
  readonly missing: number;
  readonly skipped: number;
}

/**
 * Scales numeric columns: min-max to 0…1, z-score to mean 0 and sample deviation 1, robust to median 0 and
 * quartile distance 1, max-abs to −1…1. A constant column becomes 0. Missing cells and texts that are no
 * numbers stay as they are, and are counted.
 */
export function normalize({ rows, columns, method = "min-max" }: NormalizeInput): { rows: Row[]; scalings: Scaling[] } {
  const scalings = columns.map((column) => measure(rows, column, method));
  const byColumn = new Map(scalings.map((scaling) => [scaling.column, scaling]));
  const scaled = rows.map((row) =>
    makeRow(Object.entries(row).map(([column, cell]): [string, Cell] => [column, scale(cell, byColumn.get(column))])),
  );
  return { rows: scaled, scalings };
}

function scale(cell: Cell, scaling: Scaling | undefined): Cell {
  const value = scaling === undefined ? undefined : numberOf(cell);
  if (scaling === undefined || value === undefined) return cell;
  // Halves keep the difference of two huge numbers from overflowing.
  const result = (value / 2 - scaling.shift / 2) / (scaling.scale / 2);
  // Far outliers of a narrow column overflow; JSON has no infinity.
  return Number.isFinite(result) ? result : null;
}

function measure(rows: readonly Row[], column: string, method: Method): Scaling {
  const numbers: number[] = [];
  const moments = new Moments();
  let missing = 0;
  for (const row of rows) {
    const cell = cellOf(row, column);
    const value = numberOf(cell);
    if (isMissing(cell)) missing += 1;
    if (value === undefined) continue;
    numbers.push(value);
    moments.add(value);
  }
  const counts = { column, scaled: numbers.length, missing, skipped: rows.length - missing - numbers.length };
  const { shift, scale: found } = parametersOf(method, moments, numbers);
  // A column wider than the largest number has no measurable scale: it is divided by that number instead.
  if (!Number.isFinite(found) || !Number.isFinite(shift)) return { ...counts, shift: 0, scale: Number.MAX_VALUE };
  return { ...counts, shift, scale: found === 0 ? 1 : found };
}

function parametersOf(method: Method, moments: Moments, numbers: readonly number[]): { shift: number; scale: number } {
  if (numbers.length === 0) return { shift: 0, scale: 1 };
  switch (method) {
    case "min-max":
      return { shift: moments.min, scale: moments.max - moments.min };
    case "z-score":
      return { shift: moments.mean, scale: Math.sqrt(moments.variance ?? 0) };
    case "max-abs":
      return { shift: 0, scale: Math.max(Math.abs(moments.min), Math.abs(moments.max)) };
    case "robust": {
      const sorted = numbers.toSorted((a, b) => a - b);
      const [low = 0, middle = 0, high = 0] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
      return { shift: middle, scale: high - low };
    }
  }
}
