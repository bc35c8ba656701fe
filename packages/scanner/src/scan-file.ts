import type { Finding } from "@berth/spec";
import type { Node } from "oxc-parser";
import { FindingSink } from "./finding-sink.ts";
import { defaultLimits, type ScanLimits } from "./limits.ts";
import { type CapabilityUse, capabilityUses } from "./package/capabilities.ts";
import { entropyOf } from "./package/comparison.ts";
import type { FileLoads } from "./package/reach.ts";
import { pageScripts } from "./page-scripts.ts";
import type { Details, Rule, SyntaxCheck } from "./rule.ts";
import { allRules } from "./rules/all-rules.ts";
import { SourceFile } from "./source-file.ts";
import { compilationsOf } from "./syntax/compilations.ts";
import type { NodeVisitor } from "./syntax/evaluation.ts";
import { factsOf } from "./syntax/evaluator.ts";
import type { Facts } from "./syntax/facts.ts";
import { type Dialect, parseProgram } from "./syntax/parse.ts";
import { hostsOf, transfersOf } from "./syntax/transfers.ts";

/** One file of a package: path with `/`, relative to the package's root. */
export interface InputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What scanning one file gives; plain data, so that it can cross from a worker. */
export interface FileScan {
  readonly findings: readonly Finding[];
  readonly uses: readonly CapabilityUse[];
  /** Hosts that the code itself names and contacts; at most 64. */
  readonly hosts: readonly string[];
  /** Those of them that requests go to, leaving out addresses in pages. */
  readonly requestHosts: readonly string[];
  /** What it loads from its own package. */
  readonly loads: FileLoads;
  /** Bits of entropy in each character, of programs alone. */
  readonly entropy: number | undefined;
}

export interface FileScanOptions {
  readonly limits?: Partial<ScanLimits>;
  readonly rules?: readonly Rule[];
}

/** Scans one file by itself, without the rules on packages and without a verdict. Never throws for what the file holds. */
export function scanOne(input: InputFile, options: FileScanOptions = {}): FileScan {
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
      hosts: [],
      requestHosts: [],
      loads: { path: input.path, relative: [], isOpen: false },
      entropy: undefined,
    };
  }
  const file = new SourceFile(input.path, input.bytes);
  const rules = options.rules ?? allRules;
  const sink = new FindingSink(limits);
  for (const rule of rules) {
    rule.text?.({ file, report: (offset, message, details) => sink.add(rule, file, offset, message, details) });
  }
  const { uses, hosts, requestHosts, loads } = scanSyntax(file, rules, sink, limits);
  const isProgram = dialects[file.language] !== undefined && file.text.length > 500;
  return {
    findings: sink.findings,
    uses,
    hosts,
    requestHosts,
    loads,
    entropy: isProgram ? entropyOf(file.text) : undefined,
  };
}

/** Words without which code that was left out cannot reach anything; numbers and jumps are harmless. */
const TELLING =
  /\\[ux]|[`[]["']|\b(?:require|import|eval|Function|process|fetch|XMLHttpRequest|WebSocket|document|window|globalThis|global|self|constructor|atob|fromCharCode|Buffer|Reflect|child_process|exec|spawn)\b/u;

type Used = Pick<FileScan, "uses" | "hosts" | "requestHosts" | "loads">;

const nothingUsed = (path: string): Used => ({
  uses: [],
  hosts: [],
  requestHosts: [],
  loads: { path, relative: [], isOpen: false },
});

const dialects: Readonly<Record<string, Dialect>> = {
  javascript: "js",
  jsx: "jsx",
  typescript: "ts",
  tsx: "tsx",
  html: "js",
};

function scanSyntax(file: SourceFile, rules: readonly Rule[], sink: FindingSink, limits: ScanLimits): Used {
  const dialect = dialects[file.language];
  if (dialect === undefined) return nothingUsed(file.path);
  const text = file.language === "html" ? pageScripts(file.text) : file.text;
  if (text.trim() === "") return nothingUsed(file.path);
  const unscanned = (offset: number, message: string, severity: "medium" | "low" = "medium"): void => {
    const rule = rules.find((one) => one.id === "leaves-unscanned");
    if (rule !== undefined) sink.add(rule, file, offset, message, { severity });
  };
  if (file.bytes.length > limits.syntaxBytes) {
    unscanned(0, `The file is larger than ${limits.syntaxBytes} bytes; only its text was scanned.`);
    return nothingUsed(file.path);
  }
  const parsed = parseProgram(text, dialect);
  if (parsed.kind === "refused") {
    unscanned(
      parsed.start,
      `This cannot be parsed: ${parsed.reason.slice(0, 120)}.`,
      file.language === "html" ? "low" : "medium",
    );
    return nothingUsed(file.path);
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
  const facts = factsOf(text, parsed.program, visitors);
  const [skipped] = facts.skipped;
  if (skipped !== undefined) {
    const isTelling = facts.skipped.some(({ start, end }) => TELLING.test(text.slice(start, end)));
    unscanned(
      skipped.start,
      "Parts of this file nest so deeply that they were not followed.",
      isTelling ? "medium" : "low",
    );
  }
  const transfers = transfersOf(facts);
  const compilations = compilationsOf(facts, text.length > 20_000);
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
  return {
    uses: capabilityUses(file.path, facts),
    hosts: hostsOf(transfers),
    requestHosts: hostsOf(transfers.filter((transfer) => transfer.kind === "request")),
    loads: loadsOf(file.path, facts),
  };
}

function loadsOf(path: string, facts: Facts): FileLoads {
  const relative = new Set<string>();
  let isOpen = false;
  for (const { specifier } of facts.loads) {
    if (!specifier.isConstant || specifier.also !== undefined) isOpen = true;
    else if (specifier.shape?.startsWith(".") === true && relative.size < 1000) relative.add(specifier.shape);
  }
  return { path, relative: [...relative], isOpen };
}

const reporter =
  (rule: Rule, file: SourceFile, sink: FindingSink) => (offset: number, message: string, details?: Details) =>
    sink.add(rule, file, offset, message, details);

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
