import { z } from "zod";

/** How bad it would be if the finding is right. */
export const severities = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

/** How likely it is that the finding is right. */
export const confidences = ["low", "medium", "high"] as const;
export type Confidence = (typeof confidences)[number];

/** What the scanner advises: nothing found, have a person look, or refuse. */
export const verdicts = ["clean", "review", "block"] as const;
export type Verdict = (typeof verdicts)[number];

const findingSchema = z.strictObject({
  rule: z.string(),
  class: z.string(),
  severity: z.enum(severities),
  confidence: z.enum(confidences),
  /** Path inside the package, or the scanned file. */
  file: z.string(),
  /** From 1. */
  line: z.int().min(1),
  /** From 1, in UTF-16 code units. */
  column: z.int().min(1),
  message: z.string(),
  /** The line, cut and escaped: nothing in it can change how it is read. */
  excerpt: z.string(),
  hint: z.string(),
  /** The author's words for leaving it in; shown, and without effect on score and verdict. */
  suppressed: z.string().optional(),
  /** Set where the operator's policy waived the finding. */
  waived: z.string().optional(),
});

const scanResultSchema = z.strictObject({
  path: z.string(),
  /** 100 is harmless, 0 is hostile. */
  score: z.int().min(0).max(100),
  verdict: z.enum(verdicts),
  findings: z.array(findingSchema),
});

const scanReportSchema = z.strictObject({ results: z.array(scanResultSchema) });

/** One thing that a scan found, with its place, its reason and its remedy. */
export type Finding = z.infer<typeof findingSchema>;

/** What a scan says of one file or one package. */
export type ScanResult = z.infer<typeof scanResultSchema>;

/** The document that `berth scan --json` prints. */
export type ScanReport = z.infer<typeof scanReportSchema>;

/** Parses a scan report from outside; `undefined` when it is none. */
export function tryParseScanReport(value: unknown): ScanReport | undefined {
  const parsed = scanReportSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
