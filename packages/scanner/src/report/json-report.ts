import type { ScanReport, ScanResult } from "@berth/spec";

/** The document of `berth scan --json`. */
export function formatJsonReport(results: readonly ScanResult[]): string {
  const report: ScanReport = { results: [...results] };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
