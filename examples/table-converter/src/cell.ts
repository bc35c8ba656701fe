/** A cell of a table. */
export type Cell = null | boolean | number | string;
export type Row = Record<string, Cell>;

/** What a column holds; `text` as soon as two kinds meet. */
export type CellType = "empty" | "boolean" | "number" | "date" | "text";

const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DATE =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
/** Above this many digits a double may not hold what the text says. */
const EXACT_DIGITS = 15;

/** The number a text stands for, where nothing is lost by taking it as one. */
export function exactNumber(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const [mantissa = ""] = text.split(/[eE]/);
  const digits = mantissa.replace(/^-?0*\.?0*/, "").replace(".", "");
  const value = Number(text);
  return digits.length <= EXACT_DIGITS && Number.isFinite(value) ? value : undefined;
}

/** What a cell of a CSV file looks like. */
export function typeOfText(text: string): CellType {
  if (text === "") return "empty";
  if (text === "true" || text === "false") return "boolean";
  if (exactNumber(text) !== undefined) return "number";
  return DATE.test(text) ? "date" : "text";
}

/** A text as the value that it stands for; dates stay texts, because JSON has none. */
export function readCell(text: string): Cell {
  if (text === "") return null;
  if (text === "true" || text === "false") return text === "true";
  return exactNumber(text) ?? text;
}

/** Makes a row whose columns may have any name, `__proto__` included. */
export function makeRow(entries: Iterable<readonly [string, Cell]>): Row {
  return Object.fromEntries(entries);
}
