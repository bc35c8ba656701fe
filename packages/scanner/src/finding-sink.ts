import { sanitize } from "@berth/base";
import type { Finding } from "@berth/spec";
import type { ScanLimits } from "./limits.ts";
import type { Details, Rule } from "./rule.ts";
import type { SourceFile } from "./source-file.ts";
import { suppressionOf, suppressionsOf } from "./suppressions.ts";

/** Gathers findings: one for each rule and line, a few for each rule, places and excerpts filled in. */
export class FindingSink {
  readonly findings: Finding[] = [];
  readonly #limits: ScanLimits;
  readonly #seen = new Map<string, { count: number; readonly index: number }>();
  readonly #suppressions = new Map<SourceFile, ReturnType<typeof suppressionsOf>>();

  constructor(limits: ScanLimits) {
    this.#limits = limits;
  }

  add(rule: Rule, file: SourceFile, offset: number, message: string, details: Details = {}): void {
    const place = file.positionOf(Math.min(offset, file.text.length));
    const severity = details.severity ?? rule.severity;
    const confidence = details.confidence ?? rule.confidence ?? "high";
    const key = `${rule.id} ${file.path}`;
    const seen = this.#seen.get(key);
    const same = this.findings.findIndex(
      (one) => one.rule === rule.id && one.file === file.path && one.line === place.line,
    );
    let suppressions = this.#suppressions.get(file);
    if (suppressions === undefined) {
      suppressions = suppressionsOf(file);
      this.#suppressions.set(file, suppressions);
    }
    const suppressed = suppressionOf(suppressions, rule.id, place.line);
    const finding: Finding = {
      rule: rule.id,
      class: rule.class,
      severity,
      confidence,
      file: file.path,
      ...place,
      // Messages quote the scanned text: nothing in it may move a cursor or turn the reader's line.
      message: sanitize(message, 400),
      excerpt: file.excerptAt(offset, details.end),
      hint: details.hint ?? rule.remedy,
      ...(suppressed !== undefined && { suppressed }),
    };
    if (same >= 0) {
      const before = this.findings[same];
      if (before !== undefined && rankOf(finding) > rankOf(before)) this.findings[same] = finding;
      return;
    }
    if (seen !== undefined && seen.count >= this.#limits.findingsPerRule) {
      // Past the limit only something worse than all before still counts.
      const worst = this.findings[seen.index];
      if (worst !== undefined && rankOf(finding) > rankOf(worst)) this.findings[seen.index] = finding;
      return;
    }
    this.findings.push(finding);
    if (seen === undefined) this.#seen.set(key, { count: 1, index: this.findings.length - 1 });
    else seen.count += 1;
  }
}

const severityRank: Readonly<Record<Finding["severity"], number>> = {
  info: 0,
  low: 1,
  medium: 2,
  high: 3,
  critical: 4,
};
const confidenceRank: Readonly<Record<Finding["confidence"], number>> = { low: 0, medium: 1, high: 2 };
const rankOf = (finding: Finding): number => severityRank[finding.severity] * 3 + confidenceRank[finding.confidence];

/** Worst first, then by place. */
export const bySeverity = (a: Finding, b: Finding): number =>
  rankOf(b) - rankOf(a) ||
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
  a.line - b.line ||
  (a.rule < b.rule ? -1 : 1);
