import type { ScanResult, Severity } from "@berth/spec";
import { allRules } from "../rules/all-rules.ts";

const levels: Readonly<Record<Severity, string>> = {
  info: "note",
  low: "note",
  medium: "warning",
  high: "error",
  critical: "error",
};

/** SARIF 2.1.0 (OASIS), for code-scanning services and editors. Columns are UTF-16 code units (3.14.27). */
export function formatSarifReport(results: readonly ScanResult[], toolVersion: string): string {
  const index = new Map(allRules.map((rule, at) => [rule.id, at]));
  const sarif = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "berth-scan",
            semanticVersion: toolVersion,
            rules: allRules.map((rule) => ({
              id: rule.id,
              shortDescription: { text: rule.finds },
              help: { text: rule.remedy },
              defaultConfiguration: { level: levels[rule.severity] },
              properties: { class: rule.class },
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: results.flatMap((result) =>
          result.findings.map((finding) => ({
            ruleId: finding.rule,
            ruleIndex: index.get(finding.rule) ?? -1,
            level: levels[finding.severity],
            message: { text: `${finding.message} ${finding.hint}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: encodeURI(uriOf(result.path, finding.file)) },
                  region: { startLine: finding.line, startColumn: finding.column, snippet: { text: finding.excerpt } },
                },
              },
            ],
            properties: {
              severity: finding.severity,
              confidence: finding.confidence,
              score: result.score,
              verdict: result.verdict,
            },
            // An author's remark is recorded but not accepted (3.35.3); the operator's waiver is.
            ...(finding.suppressed !== undefined && {
              suppressions: [{ kind: "inSource", status: "rejected", justification: finding.suppressed }],
            }),
            ...(finding.waived !== undefined && {
              suppressions: [{ kind: "external", status: "accepted", justification: finding.waived }],
            }),
          })),
        ),
      },
    ],
  };
  return `${JSON.stringify(sarif, undefined, 2)}\n`;
}

const uriOf = (path: string, file: string): string =>
  (path === file ? file : `${path.replace(/\/$/u, "")}/${file}`).toWellFormed();
