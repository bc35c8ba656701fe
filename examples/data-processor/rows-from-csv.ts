// Reads a plain CSV table (a header line; no quoted cells) as rows: numbers become numbers, empty cells null.
//
//   node examples/data-processor/rows-from-csv.ts FILE      prints the rows as JSON
import { readFileSync } from "node:fs";

import { makeRow, numberOf } from "./src/cell.ts";
import type { Row } from "./src/cell.ts";

/** @throws Error for a table with quoted cells or lines of unequal length */
export function rowsFromCsv(text: string): Row[] {
  if (text.includes('"')) throw new Error("tables with quoted cells are not read here");
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = header.split(",");
  return lines.map((line, index) => {
    const cells = line.split(",");
    if (cells.length !== columns.length) {
      throw new Error(`line ${index + 2} has ${cells.length} cells, expected ${columns.length}`);
    }
    return makeRow(
      columns.map((column, at) => [
        column,
        cells[at] === "" ? null : (numberOf(cells[at] ?? null) ?? cells[at] ?? null),
      ]),
    );
  });
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("expected a CSV file");
  process.stdout.write(`${JSON.stringify(rowsFromCsv(readFileSync(file, "utf8")))}\n`);
}
