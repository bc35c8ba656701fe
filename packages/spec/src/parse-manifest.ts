import { cut, nearMiss, quote, sanitize } from "@berth/base";
import type { z } from "zod";

import { SpecError } from "./errors.ts";
import { isJsonFault, readJsonDocument } from "./json-document.ts";
import type { JsonDocument, JsonPath, TextPosition } from "./json-document.ts";
import { MANIFEST_FILE, MAX_MANIFEST_BYTES, manifestSchema } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";

/** One thing wrong with a manifest, and where. */
export interface ManifestProblem extends TextPosition {
  /** Names of more than 200 characters are cut, and end in "…". */
  readonly path: JsonPath;
  readonly message: string;
}

const MAX_PROBLEMS = 20;
const MAX_NAME = 200;
/** Of a path in a message, before what must not reach a terminal is escaped. */
const MAX_PLACE = 400;

/**
 * Reads a manifest from the bytes of `manifest.json`.
 *
 * @throws SpecError SPEC_MANIFEST_TOO_LARGE, SPEC_MANIFEST_NOT_JSON, SPEC_MANIFEST_INVALID; the last
 *   lists up to 20 problems in `details.problems` (`ManifestProblem`)
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new SpecError(
      "SPEC_MANIFEST_TOO_LARGE",
      `${MANIFEST_FILE} has ${bytes.length} bytes, at most ${MAX_MANIFEST_BYTES} are read`,
    );
  }
  const document = readJsonDocument(bytes);
  if (isJsonFault(document)) {
    const { line, column, message } = document;
    throw new SpecError("SPEC_MANIFEST_NOT_JSON", `${MANIFEST_FILE}:${line}:${column}: ${message}`, {
      details: { line, column },
    });
  }
  const result = manifestSchema.safeParse(document.value, { reportInput: true });
  if (result.success) return result.data;
  const problems: ManifestProblem[] = [];
  // Each place is found by a search of the text: a manifest full of mistakes must not cost a search for each.
  for (const issue of result.error.issues.slice(0, MAX_PROBLEMS)) {
    problems.push(...problemsOf(issue, document).slice(0, MAX_PROBLEMS - problems.length));
  }
  const shown = problems.map(({ line, column, message }) => `${MANIFEST_FILE}:${line}:${column}: ${message}`);
  throw new SpecError("SPEC_MANIFEST_INVALID", shown.join("\n"), { details: { problems } });
}

type Issue = z.core.$ZodIssue;

function problemsOf(issue: Issue, document: JsonDocument): ManifestProblem[] {
  const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) => {
      const at = [...path, key];
      const known = namesAllowedAt(path);
      const near = nearMiss(key, known);
      const expected = near === undefined ? expectedNames(known) : `did you mean ${quote(near)}?`;
      return {
        path: shownPath(at),
        ...document.namePositionOf(at),
        message: `${where(path)}unknown member ${quote(key)}; ${expected}`,
      };
    });
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The branch that got furthest tells most.
    const best = issue.errors.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? [];
    if (best.length > 0) {
      return best
        .slice(0, MAX_PROBLEMS)
        .flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, document));
    }
  }
  return [{ path: shownPath(path), ...document.positionOf(path), message: `${where(path)}${explain(issue)}` }];
}

const depthOf = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));

/** Names on the way are the author's, and may hold anything: a manifest of nothing but one name has 256 KiB of it. */
const shownPath = (path: JsonPath): JsonPath =>
  path.map((step) => (typeof step === "string" ? cut(step, MAX_NAME) : step));

const where = (path: JsonPath): string =>
  path.length === 0 ? "" : `${sanitize(path.map((step) => cut(String(step), 64)).join("."), MAX_PLACE)}: `;

const expectedNames = (names: readonly string[]): string =>
  names.length === 0 ? "nothing is expected here" : `expected one of ${names.join(", ")}`;

function explain(issue: Issue): string {
  const found = issue.input === undefined ? "nothing" : quote(issue.input);
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `missing; expected ${article(issue.expected)}`
        : `expected ${article(issue.expected)}, found ${found}`;
    case "invalid_value": {
      const near = typeof issue.input === "string" ? nearMiss(issue.input, issue.values.map(String)) : undefined;
      const suggestion = near === undefined ? "" : `; did you mean ${quote(near)}?`;
      return `expected ${oneOf(issue.values)}, found ${found}${suggestion}`;
    }
    case "too_small":
      return `expected at least ${issue.minimum} ${unitOf(issue.origin)}, found ${amountOf(issue.input)}`;
    case "too_big":
      return `expected at most ${issue.maximum} ${unitOf(issue.origin)}, found ${amountOf(issue.input)}`;
    case "invalid_format":
      return issue.message.startsWith("must")
        ? `${issue.message}, found ${found}`
        : `expected ${issue.format}, found ${found}`;
    case "invalid_key":
      return `the name ${found} ${issue.issues[0]?.message ?? "is not allowed"}`;
    case "invalid_union":
      return explainUnion(issue, found);
    case "custom":
      return issue.message.startsWith("must") ? `${issue.message}, found ${found}` : issue.message;
    default:
      return `${issue.message}, found ${found}`;
  }
}

/** No branch of a union: for permissions, the member that names the branch says which words were known. */
function explainUnion(issue: Extract<Issue, { code: "invalid_union" }>, found: string): string {
  const { discriminator, options } = issue as { discriminator?: string; options?: readonly unknown[] };
  if (discriminator === undefined || options === undefined) return `is none of the forms expected here, found ${found}`;
  const named = new Map(Object.entries((issue.input ?? {}) as object)).get(discriminator) as unknown;
  const names = options.map(String);
  const near = typeof named === "string" ? nearMiss(named, names) : undefined;
  const suggestion = near === undefined ? "" : `; did you mean ${quote(near)}?`;
  return `expected ${oneOf(names)}, found ${named === undefined ? "nothing" : quote(named)}${suggestion}`;
}

const article = (type: string): string => {
  const names = new Map([
    ["string", "a text"],
    ["array", "a list"],
    ["object", "an object"],
    ["record", "an object"],
    ["number", "a number"],
    ["int", "a whole number"],
    ["boolean", "true or false"],
  ]);
  return names.get(type) ?? type;
};

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1 ? quote(values[0]) : `one of ${values.map((value) => quote(value)).join(", ")}`;

const unitOf = (origin: string): string =>
  (origin === "string" ? "characters" : origin === "array" ? "items" : "").trim();

function amountOf(input: unknown): string {
  if (typeof input === "string") return `${input.length}`;
  if (Array.isArray(input)) return `${input.length}`;
  return quote(input);
}

/** Names that the manifest's schema knows at a path, for suggestions. */
function namesAllowedAt(path: JsonPath): string[] {
  let node: unknown = manifestSchema;
  for (const step of path) node = stepInto(node, step);
  return Object.keys(shapeOf(node) ?? {});
}

type SchemaDef = {
  readonly type?: string;
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly shape?: Record<string, unknown>;
  readonly options?: readonly unknown[];
};

const defOf = (node: unknown): SchemaDef => (node as { def?: SchemaDef } | undefined)?.def ?? {};

/** Unwraps defaults and optionals. */
function unwrap(node: unknown): unknown {
  let inner = node;
  while (defOf(inner).innerType !== undefined) inner = defOf(inner).innerType;
  return inner;
}

function stepInto(node: unknown, step: string | number): unknown {
  const def = defOf(unwrap(node));
  if (def.type === "object") return def.shape?.[String(step)];
  return def.element ?? def.valueType;
}

function shapeOf(node: unknown): Record<string, unknown> | undefined {
  const inner = unwrap(node);
  const def = defOf(inner);
  if (def.shape !== undefined) return def.shape;
  // A union (permissions): every name that any branch knows.
  if (def.options !== undefined) return Object.assign({}, ...def.options.map(shapeOf)) as Record<string, unknown>;
  return undefined;
}
