// Reads a plain CSV table (a header line; no quoted cells) as rows: numbers become numbers, empty cells null.
// For the README's tour, `npm start` and tests; runs on any Node that the set-up runs on.
//
//   node tools/rows-from-csv.mjs FILE      prints the rows as JSON
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** @typedef {Record<string, string | number | null>} Row */

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * @param {string} text
 * @returns {Row[]}
 * @throws {Error} for a table with quoted cells or lines of unequal length
 */
export function rowsFromCsv(text) {
  if (text.includes('"')) throw new Error("tables with quoted cells are not read here");
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const columns = header.split(",");
  return lines.map((line, index) => {
    const cells = line.split(",");
    if (cells.length !== columns.length) {
      throw new Error(`line ${index + 2} has ${cells.length} cells, expected ${columns.length}`);
    }
    return Object.fromEntries(cells.map((cell, at) => [columns[at], cellValue(cell)]));
  });
}

/** @param {string} cell */
function cellValue(cell) {
  if (cell === "") return null;
  return NUMBER.test(cell) ? Number(cell) : cell;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error("expected a CSV file");
  process.stdout.write(`${JSON.stringify(rowsFromCsv(readFileSync(file, "utf8")))}\n`);
}
