// The table of rules in the scanner's guide, from the rules themselves.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { allRules } from "@berth/scanner";

import { root } from "./workspace.ts";

export const SCANNER_GUIDE = "docs/guide/scanner.md";
const START = "<!-- rules: generated, do not edit -->";
const END = "<!-- end of rules -->";

/** The guide with its table as the rules are now. */
export function scannerGuide(): string {
  const text = readFileSync(join(root, SCANNER_GUIDE), "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${SCANNER_GUIDE} has no place for the table of rules`);
  const cell = (words: string): string => words.replaceAll("|", "\\|");
  const rows = allRules.map(
    ({ id, class: kind, severity, finds, remedy }) =>
      `| \`${id}\` | ${kind} | ${severity} | ${cell(finds)} | ${cell(remedy)} |`,
  );
  const table = ["| Rule | Class | Severity | Finds | What to do |", "|---|---|---|---|---|", ...rows].join("\n");
  return `${text.slice(0, start + START.length)}\n\n${table}\n\n${text.slice(end)}`;
}
