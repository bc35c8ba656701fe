import type { Plugin } from "./berth.gen.js";
import { makeRow, readCell, typeOfText } from "./cell.ts";
import type { Cell, CellType } from "./cell.ts";
import { readCsv } from "./read-csv.ts";

type Actions = Plugin["actions"];

/** Rows as objects; numbers and booleans by default, everything a text with `types: false`. */
export function csvToJson({
  csv,
  delimiter,
  header,
  types = true,
}: Actions["csv_to_json"]["input"]): Actions["csv_to_json"]["output"] {
  const table = readCsv(csv, { delimiter, header });
  const rows = table.rows.map((cells) =>
    makeRow(table.columns.map((name, index) => [name, types ? readCell(cells[index] ?? "") : (cells[index] ?? "")])),
  );
  return {
    rows,
    columns: [...table.columns],
    delimiter: table.delimiter,
    problems: [...table.problems],
    problemCount: table.problemCount,
  };
}

/** RFC 4180 with CRLF; columns in the order in which they first appear unless they are named. */
export function jsonToCsv({
  rows,
  columns = columnsOf(rows),
  delimiter = ",",
  guardFormulas = true,
}: Actions["json_to_csv"]["input"]): Actions["json_to_csv"]["output"] {
  let guarded = 0;
  const quoteWhen = new RegExp(`["\r\n${delimiter === "|" ? "\\|" : delimiter}]|^[ \t]|[ \t]$`);
  const write = (cell: Cell): string => {
    let text = cell === null ? "" : String(cell);
    if (guardFormulas && typeof cell === "string" && FORMULA.test(cell)) {
      text = `'${text}`;
      guarded += 1;
    }
    return quoteWhen.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map(write), ...rows.map((row) => columns.map((name) => write(cellOf(row, name))))];
  return { csv: lines.map((cells) => `${cells.join(delimiter)}\r\n`).join(""), columns: [...columns], guarded };
}

/** What OWASP's page on CSV injection names: the first characters by which a spreadsheet knows a formula. */
const FORMULA = /^[=+\-@\t\r]/;

const cellOf = (row: Readonly<Record<string, Cell>>, name: string): Cell =>
  Object.hasOwn(row, name) ? (row[name] ?? null) : null;

function columnsOf(rows: readonly Readonly<Record<string, Cell>>[]): string[] {
  const columns = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) columns.add(name);
  return [...columns];
}

/** Columns with their types, and rows that do not fit. */
export function inspect({ csv, delimiter }: Actions["inspect"]["input"]): Actions["inspect"]["output"] {
  const table = readCsv(csv, { delimiter });
  const columns = table.columns.map((name, index) => {
    const seen = new Set<string>();
    let type: CellType = "empty";
    let missing = 0;
    let longest = 0;
    for (const cells of table.rows) {
      const text = cells[index] ?? "";
      seen.add(text);
      longest = Math.max(longest, text.length);
      const found = typeOfText(text);
      if (found === "empty") missing += 1;
      else type = type === "empty" || type === found ? found : "text";
    }
    return { name, type, missing, distinct: seen.size, longest };
  });
  return {
    delimiter: table.delimiter,
    rows: table.rows.length,
    columns,
    problems: [...table.problems],
    problemCount: table.problemCount,
  };
}
