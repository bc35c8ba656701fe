import type { Confidence, Severity } from "@berth/spec";
import type { Node } from "oxc-parser";
import type { PackageView } from "./package/package-view.ts";
import type { SourceFile } from "./source-file.ts";
import type { Circumstance, Facts } from "./syntax/facts.ts";
import type { Comment } from "./syntax/parse.ts";
import type { Compilation } from "./syntax/compilations.ts";
import type { Transfer } from "./syntax/transfers.ts";

/** Families of findings, as the guide explains them. */
export const findingClasses = [
  "exfiltration",
  "code-execution",
  "sandbox-escape",
  "hidden-text",
  "obfuscation",
  "tampering",
  "evasion",
  "process",
  "persistence",
  "supply-chain",
  "package",
  "abuse",
  "agents",
  "secrets",
  "unscanned",
  "capability",
] as const;
export type FindingClass = (typeof findingClasses)[number];

/** How one finding differs from its rule's defaults. */
export interface Details {
  readonly severity?: Severity;
  readonly confidence?: Confidence;
  readonly hint?: string;
  readonly end?: number;
}

export interface TextCheck {
  readonly file: SourceFile;
  /** Notes a finding at an offset of the text. */
  report(offset: number, message: string, details?: Details): void;
}

/** What rules on a program's syntax see. */
export interface SyntaxCheck extends TextCheck {
  readonly facts: Facts;
  /** Everything that leaves the machine, by whatever call. */
  readonly transfers: readonly Transfer[];
  /** Every place where text becomes running code. */
  readonly compilations: readonly Compilation[];
  readonly comments: readonly Comment[];
  /** The source between two offsets, at most 400 characters of it. */
  source(start: number, end: number): string;
}

export interface PackageCheck {
  readonly view: PackageView;
  /** Notes a finding at an offset of one of the package's files. */
  report(path: string, offset: number, message: string, details?: Details): void;
}

/**
 * One rule of the scanner. Every part that it has is called once for each file (or package): `text` for
 * all files that are text, `nodes` for the syntax nodes that it names, `syntax` once the whole program
 * was followed, `package` for the package as a whole.
 */
export interface Rule {
  /** Stable: reports, policies and suppressions name it. */
  readonly id: string;
  readonly class: FindingClass;
  readonly severity: Severity;
  readonly confidence?: Confidence;
  /** One sentence for the table of rules: what it finds. */
  readonly finds: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  text?(check: TextCheck): void;
  readonly nodes?: Readonly<Record<string, (node: Node, check: SyntaxCheck, when: Circumstance) => void>>;
  syntax?(check: SyntaxCheck): void;
  package?(check: PackageCheck): void;
}
