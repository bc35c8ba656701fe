import { parse } from "csv-parse/browser/esm/sync";

/** One row that does not fit, by its line in the file. */
export interface Problem {
  readonly line: number;
  readonly message: string;
}

/** A CSV file taken apart. */
export interface CsvTable {
  readonly columns: readonly string[];
  /** Exactly one text for each column. */
  readonly rows: readonly (readonly string[])[];
  readonly delimiter: Delimiter;
  /** The first hundred. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
}

export type Delimiter = "," | ";" | "\t" | "|";

const DELIMITERS: readonly Delimiter[] = [",", ";", "\t", "|"];
const SHOWN_PROBLEMS = 100;

/**
 * Reads a CSV file; a row that is too short is filled up, one that is too long is cut, and both are told.
 *
 * @throws Error when a quote is opened and never closed: nothing behind it could be told apart
 */
export function readCsv(csv: string, { delimiter, header = true }: ReadOptions): CsvTable {
  const chosen = delimiter ?? guessDelimiter(csv);
  const problems: Problem[] = [];
  let problemCount = 0;
  const report = (line: number, message: string): void => {
    problemCount += 1;
    if (problems.length < SHOWN_PROBLEMS) problems.push({ line, message });
  };
  const records = parseRecords(csv, chosen);
  const first = records[0]?.cells ?? [];
  const columns = header ? uniqueNames(first, report) : first.map((_, index) => `column ${index + 1}`);
  const rows = (header ? records.slice(1) : records).map(({ cells, line }) => {
    if (cells.length === columns.length) return cells;
    report(line, `has ${cells.length} cells, expected ${columns.length}`);
    return columns.map((_, index) => cells[index] ?? "");
  });
  return { columns, rows, delimiter: chosen, problems, problemCount };
}

interface CsvRecord {
  readonly cells: readonly string[];
  /** On which it begins: quoted cells may run over several. */
  readonly line: number;
}

function parseRecords(csv: string, delimiter: Delimiter, limit?: number): CsvRecord[] {
  const options = {
    delimiter,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    raw: true,
    ...(limit !== undefined && { to: limit }),
  };
  try {
    const records = parse(csv, options) as unknown as { record: string[]; raw: string }[];
    return numbered(csv, records).filter(({ cells }) => cells.length > 1 || (cells[0] ?? "").trim() !== "");
  } catch (error) {
    throw new Error(`the text is no CSV: ${error instanceof Error ? error.message : "unknown fault"}`, {
      cause: error,
    });
  }
}

/** Finds each record's text again, because the parser counts lines otherwise than an editor does. */
function numbered(csv: string, records: readonly { record: string[]; raw: string }[]): CsvRecord[] {
  let line = 1;
  let counted = 0;
  return records.map(({ record, raw }) => {
    const text = raw.trim();
    const start = Math.max(counted, csv.indexOf(text, counted));
    line += countLineBreaks(csv, counted, start);
    const begins = line;
    counted = start + text.length;
    line += countLineBreaks(csv, start, counted);
    return { cells: record, line: begins };
  });
}

function countLineBreaks(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at !== -1 && at < to; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

export interface ReadOptions {
  readonly delimiter?: Delimiter | undefined;
  /** Whether the first row names the columns. */
  readonly header?: boolean | undefined;
}

/** The delimiter with which most of the first lines have the same number of cells, and more than one. */
function guessDelimiter(csv: string): Delimiter {
  // Enough for the first lines, and cheap for a file of one endless line.
  const start = csv.slice(0, 100_000);
  let best: { delimiter: Delimiter; score: number } = { delimiter: ",", score: 0 };
  for (const delimiter of DELIMITERS) {
    let records: CsvRecord[];
    try {
      records = parseRecords(start, delimiter, 50);
    } catch {
      continue; // A quote that only another delimiter closes.
    }
    const width = records[0]?.cells.length ?? 0;
    const fitting = records.filter(({ cells }) => cells.length === width).length;
    const score = width < 2 ? 0 : (width * fitting) / records.length;
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

/** Every column gets a name of its own: an empty one by its place, a repeated one with a number behind. */
function uniqueNames(cells: readonly string[], report: (line: number, message: string) => void): string[] {
  const taken = new Set<string>();
  return cells.map((cell, index) => {
    const wanted = cell.trim() === "" ? `column ${index + 1}` : cell.trim();
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted} ${count}`;
    if (name !== wanted) report(1, `names the column ${JSON.stringify(wanted.slice(0, 80))} twice`);
    taken.add(name);
    return name;
  });
}
