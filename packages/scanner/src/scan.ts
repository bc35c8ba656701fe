import type { Finding, ScanResult } from "@berth/spec";
import type { Node } from "oxc-parser";
import { defaultLimits, type ScanLimits } from "./limits.ts";
import { type CapabilityUse, capabilityUses } from "./package/capabilities.ts";
import { type KnownName, wellKnownNames } from "./package/known-names.ts";
import { manifestsOf, type PackageView } from "./package/package-view.ts";
import { pageScripts } from "./page-scripts.ts";
import { applyPolicy, type ScanPolicy } from "./policy.ts";
import type { Details, Rule, SyntaxCheck } from "./rule.ts";
import { allRules } from "./rules/all-rules.ts";
import { scoreOf, verdictOf } from "./score.ts";
import { SourceFile } from "./source-file.ts";
import { suppressionOf, suppressionsOf } from "./suppressions.ts";
import { compilationsOf } from "./syntax/compilations.ts";
import { Evaluator, type NodeVisitor } from "./syntax/evaluator.ts";
import { makeFacts } from "./syntax/facts.ts";
import { type Dialect, parseProgram } from "./syntax/parse.ts";
import { transfersOf } from "./syntax/transfers.ts";

export interface ScanOptions {
  readonly limits?: Partial<ScanLimits>;
  readonly policy?: ScanPolicy;
  readonly rules?: readonly Rule[];
  readonly knownNames?: readonly KnownName[];
}

/** One file of a package: path with `/`, relative to the package's root. */
export interface InputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What scanning one file gives; plain data, so that it can cross from a worker. */
export interface FileScan {
  readonly findings: readonly Finding[];
  readonly uses: readonly CapabilityUse[];
}

/** Scans one file by itself. A lone manifest is judged as a package of one file. */
export function scanFile(file: InputFile, options: ScanOptions = {}): ScanResult {
  return scanFiles(file.path, [file], options, false);
}

/** Scans all files of one package together. */
export function scanPackage(path: string, files: readonly InputFile[], options: ScanOptions = {}): ScanResult {
  return scanFiles(path, files, options, true);
}

function scanFiles(path: string, inputs: readonly InputFile[], options: ScanOptions, isWhole: boolean): ScanResult {
  const limits = { ...defaultLimits, ...options.limits };
  const taken = inputs.slice(0, limits.files);
  const scans = taken.map((input) => scanOne(input, options));
  const dropped = inputs.length - taken.length;
  return conclude(path, taken, scans, { ...options, limits }, isWhole, dropped);
}

/**
 * Joins the scans of single files to the result of the package: rules on the package, policy, score.
 * Only manifests need their bytes here.
 */
export function conclude(
  path: string,
  inputs: readonly InputFile[],
  scans: readonly FileScan[],
  options: ScanOptions,
  isWhole: boolean,
  dropped = 0,
): ScanResult {
  const findings = scans.flatMap((scan) => scan.findings);
  const files = new Map(
    inputs.map((input) => [input.path, new SourceFile(input.path, isManifest(input.path) ? input.bytes : NO_BYTES)]),
  );
  const view: PackageView = {
    files,
    manifests: manifestsOf(files),
    uses: scans.flatMap((scan) => scan.uses),
    knownNames: options.knownNames ?? wellKnownNames,
    isWhole,
  };
  const sink = new FindingSink({ ...defaultLimits, ...options.limits });
  for (const rule of options.rules ?? allRules) {
    rule.package?.({
      view,
      report(at, offset, message, details) {
        const file = files.get(at) ?? new SourceFile(at, NO_BYTES);
        const full = inputs.find((input) => input.path === at);
        sink.add(
          rule,
          full === undefined || file.bytes !== NO_BYTES ? file : new SourceFile(at, full.bytes),
          offset,
          message,
          details,
        );
      },
    });
  }
  findings.push(...sink.findings);
  if (dropped > 0)
    findings.push(
      plainFinding(path, "leaves-unscanned", `${dropped} files beyond the limit were not scanned.`, "medium"),
    );
  const judged = applyPolicy(findings, options.policy).toSorted(bySeverity);
  const score = scoreOf(judged);
  return { path, score, verdict: verdictOf(score), findings: judged };
}

const NO_BYTES = new Uint8Array();
const isManifest = (path: string): boolean => /(?:^|\/)(?:package|plugin|manifest)\.json$/u.test(path);

/** Scans one file for itself, without the rules on packages and without a verdict. Never throws for what the file holds. */
export function scanOne(input: InputFile, options: ScanOptions = {}): FileScan {
  const limits = { ...defaultLimits, ...options.limits };
  if (input.bytes.length > limits.fileBytes) {
    return {
      findings: [
        plainFinding(
          input.path,
          "leaves-unscanned",
          `The file is larger than ${limits.fileBytes} bytes and was not scanned.`,
          "medium",
        ),
      ],
      uses: [],
    };
  }
  const file = new SourceFile(input.path, input.bytes);
  const rules = options.rules ?? allRules;
  const sink = new FindingSink(limits);
  for (const rule of rules) {
    rule.text?.({ file, report: (offset, message, details) => sink.add(rule, file, offset, message, details) });
  }
  const uses = scanSyntax(file, rules, sink, limits);
  return { findings: sink.findings, uses };
}

const dialects: Readonly<Record<string, Dialect>> = {
  javascript: "js",
  jsx: "jsx",
  typescript: "ts",
  tsx: "tsx",
  html: "js",
};

function scanSyntax(
  file: SourceFile,
  rules: readonly Rule[],
  sink: FindingSink,
  limits: ScanLimits,
): readonly CapabilityUse[] {
  const dialect = dialects[file.language];
  if (dialect === undefined) return [];
  const text = file.language === "html" ? pageScripts(file.text) : file.text;
  if (text.trim() === "") return [];
  const unscanned = (offset: number, message: string, severity: "medium" | "low" = "medium"): void => {
    const rule = rules.find((one) => one.id === "leaves-unscanned");
    if (rule !== undefined) sink.add(rule, file, offset, message, { severity });
  };
  if (file.bytes.length > limits.syntaxBytes) {
    unscanned(0, `The file is larger than ${limits.syntaxBytes} bytes; only its text was scanned.`);
    return [];
  }
  const parsed = parseProgram(text, dialect);
  if (parsed.kind === "refused") {
    unscanned(
      parsed.start,
      `This cannot be parsed: ${parsed.reason.slice(0, 120)}.`,
      file.language === "html" ? "low" : "medium",
    );
    return [];
  }
  const pending: { readonly rule: Rule; readonly node: Node; readonly run: () => void }[] = [];
  const visitors = new Map<string, NodeVisitor[]>();
  for (const rule of rules) {
    for (const [type, visit] of Object.entries(rule.nodes ?? {})) {
      const list = visitors.get(type) ?? [];
      list.push((node, when) => {
        if (pending.length < 5000)
          pending.push({
            rule,
            node,
            run: () => visit(node, { ...check, report: reporter(rule, file, sink) }, when),
          });
      });
      visitors.set(type, list);
    }
  }
  const evaluator = new Evaluator(text, visitors);
  let facts = makeFacts();
  try {
    facts = evaluator.run(parsed.program);
  } catch (error) {
    // Syntax nested to exhaust the stack of this thread; whatever else is thrown is a defect of ours.
    if (!(error instanceof RangeError)) throw error;
    facts = evaluator.facts;
    facts.isPartial = true;
  }
  if (facts.isPartial) unscanned(0, "Parts of this file nest so deeply that they were not followed.");
  const transfers = transfersOf(facts);
  const compilations = compilationsOf(facts);
  const check: SyntaxCheck = {
    file,
    facts,
    transfers,
    compilations,
    comments: parsed.comments,
    source: (start, end) => text.slice(Math.max(0, start), Math.min(end, start + 400)),
    report: () => undefined,
  };
  for (const one of pending) one.run();
  for (const rule of rules) rule.syntax?.({ ...check, report: reporter(rule, file, sink) });
  return capabilityUses(file.path, facts);
}

const reporter =
  (rule: Rule, file: SourceFile, sink: FindingSink) => (offset: number, message: string, details?: Details) =>
    sink.add(rule, file, offset, message, details);

/** Gathers findings: one for each rule and line, a few for each rule, places and excerpts filled in. */
class FindingSink {
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
      message,
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

const bySeverity = (a: Finding, b: Finding): number =>
  rankOf(b) - rankOf(a) ||
  (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
  a.line - b.line ||
  (a.rule < b.rule ? -1 : 1);

/** A finding about a file that was not read. */
export function plainFinding(path: string, ruleId: string, message: string, severity: Finding["severity"]): Finding {
  const rule = allRules.find((one) => one.id === ruleId);
  return {
    rule: ruleId,
    class: rule?.class ?? "unscanned",
    severity,
    confidence: "high",
    file: path,
    line: 1,
    column: 1,
    message,
    excerpt: "",
    hint: rule?.remedy ?? "",
  };
}
