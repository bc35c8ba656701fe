import { sanitize } from "@berth/base";
import type { ScanResult } from "@berth/spec";

/** A scan result for people at a terminal; one block for each finding, worst first. */
export function formatTextReport(results: readonly ScanResult[]): string {
  return results.map(formatResult).join("\n");
}

function formatResult(result: ScanResult): string {
  const lines = [`${sanitize(result.path)}  ${result.verdict}  ${result.score}/100`];
  for (const finding of result.findings) {
    if (finding.severity === "info") continue;
    const remark =
      finding.waived !== undefined
        ? ` (waived: ${sanitize(finding.waived)})`
        : finding.suppressed !== undefined
          ? ` (the author says: ${sanitize(finding.suppressed)}; counts all the same)`
          : "";
    lines.push(
      `  ${finding.severity.padEnd(8)} ${sanitize(finding.file)}:${finding.line}:${finding.column}  ${finding.rule}${remark}`,
    );
    lines.push(`           ${sanitize(finding.message, 400)}`);
    if (finding.excerpt !== "") lines.push(`           > ${sanitize(finding.excerpt, 240)}`);
    lines.push(`           ${sanitize(finding.hint, 240)}`);
  }
  const notes = result.findings.filter((finding) => finding.severity === "info").length;
  if (notes > 0) lines.push(`  ${notes} note${notes === 1 ? "" : "s"} about powers that the code uses`);
  return `${lines.join("\n")}\n`;
}
