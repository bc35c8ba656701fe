import type { SourceFile } from "./source-file.ts";

/** An author's remark that a finding is meant: `berth-ignore rule-id: because …`, on the line or the one above. */
interface Suppression {
  readonly rule: string;
  readonly line: number;
  readonly reason: string;
}

const REMARK = /berth-ignore\s+([a-z][a-z0-9-]{2,60})(?:\s*:\s*([^\n*]{0,200}))?/gu;

/** The remarks of a file, at most 1,000. */
export function suppressionsOf(file: SourceFile): Suppression[] {
  if (!file.text.includes("berth-ignore")) return [];
  const found: Suppression[] = [];
  for (const match of file.text.matchAll(REMARK)) {
    if (found.length >= 1000) break;
    found.push({
      rule: match[1] ?? "",
      line: file.positionOf(match.index).line,
      reason: (match[2] ?? "").trim() || "no reason given",
    });
  }
  return found;
}

export function suppressionOf(suppressions: readonly Suppression[], rule: string, line: number): string | undefined {
  return suppressions.find((one) => one.rule === rule && (one.line === line || one.line === line - 1))?.reason;
}
