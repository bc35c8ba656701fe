import { decodeUtf8, quote } from "@berth/base";
import { createScanner, parseTree, printParseErrorCode } from "jsonc-parser";
import type { Node, ParseError } from "jsonc-parser";

/** A member name or an array index on the way from the root to a value. */
export type JsonPath = readonly (string | number)[];

/** A place in a text, both counted from 1; `column` counts UTF-16 code units. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Why a text is not a JSON document that Berth reads. */
export interface JsonFault extends TextPosition {
  readonly message: string;
}

/** A parsed JSON text that still knows where each value stands. */
export interface JsonDocument {
  readonly value: unknown;
  /** Where the value at `path` starts; for a path that does not exist, the nearest ancestor that does. */
  positionOf(path: JsonPath): TextPosition;
  /** Where the name of the member at `path` starts; the value's position when it has no name. */
  namePositionOf(path: JsonPath): TextPosition;
}

const MAX_DEPTH = 64;

/**
 * Parses strict JSON (RFC 8259, no comments, no trailing commas, no member named twice, at most 64
 * levels deep, no byte order mark, no lone surrogates and no number beyond a double as in RFC 7493, no
 * member `__proto__`) and keeps the positions of all values.
 *
 * jsonc-parser does the scanning: it is maintained, fault-tolerant and gives offsets. It also accepts
 * more than JSON, so everything it tolerates is refused here.
 */
export function readJsonDocument(bytes: Uint8Array): JsonDocument | JsonFault {
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch {
    return { line: 1, column: 1, message: "the text is not valid UTF-8" };
  }
  // jsonc-parser recurses; bounding the depth first keeps a hostile text from exhausting the stack.
  const tooDeep = offsetOfDepth(text, MAX_DEPTH + 1);
  if (tooDeep !== undefined) {
    return { ...positionAt(text, tooDeep), message: `values are nested more than ${MAX_DEPTH} levels deep` };
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const first = errors[0];
  if (first !== undefined) {
    const found = text.slice(first.offset, first.offset + Math.max(first.length, 1));
    const what = printParseErrorCode(first.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
      .toLowerCase();
    const message = found === "" ? `${what} at the end of the text` : `${what}, found ${quote(found, 20)}`;
    return { ...positionAt(text, first.offset), message };
  }
  if (tree === undefined) return { line: 1, column: 1, message: "the text is empty" };
  const odd = findOddValue(tree);
  if (odd !== undefined) return { ...positionAt(text, odd.node.offset), message: odd.message };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line: 1, column: 1, message: "the text is not strict JSON" };
  }
  return {
    value,
    positionOf: (path) => positionAt(text, nodeAt(tree, path).offset),
    namePositionOf(path) {
      const node = nodeAt(tree, path);
      const name = node.parent?.type === "property" ? node.parent.children?.[0] : undefined;
      return positionAt(text, (name ?? node).offset);
    },
  };
}

export function isJsonFault(read: JsonDocument | JsonFault): read is JsonFault {
  return "message" in read;
}

/**
 * Where the text opens its `limit`-th level. Counts the tokens that the parser sees, also in broken text,
 * and lets only the matching bracket close a level: the parser skips a wrong one and stays where it is, so
 * counting `[},[},` as flat would let it recurse without end.
 */
function offsetOfDepth(text: string, limit: number): number | undefined {
  const scanner = createScanner(text, true);
  const closers: string[] = [];
  while (scanner.getPosition() < text.length) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    const character = text[offset];
    if (character === "{" || character === "[") {
      closers.push(character === "{" ? "}" : "]");
      if (closers.length === limit) return offset;
    } else if (character === closers.at(-1)) {
      closers.pop();
    }
  }
  return undefined;
}

/** The first value or name on which readers of JSON disagree. */
function findOddValue(node: Node): { readonly node: Node; readonly message: string } | undefined {
  if (typeof node.value === "string" && !node.value.isWellFormed())
    return { node, message: `a text holds half a character (a lone surrogate): ${quote(node.value)}` };
  if (typeof node.value === "number" && !Number.isFinite(node.value))
    return { node, message: "a number is too large to be kept" };
  const names = new Set<unknown>();
  for (const child of node.children ?? []) {
    const name = child.type === "property" ? child.children?.[0] : undefined;
    // Most libraries take this name for the object's prototype, some drop the member in silence.
    if (name?.value === "__proto__") return { node: name, message: 'no member may be called "__proto__"' };
    if (name !== undefined && names.has(name.value))
      return { node: name, message: `the member ${quote(name.value)} is given twice` };
    if (name !== undefined) names.add(name.value);
    const deeper = findOddValue(child);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

function nodeAt(tree: Node, path: JsonPath): Node {
  let node = tree;
  for (const step of path) {
    const children = node.children ?? [];
    const next =
      node.type === "array"
        ? children[Number(step)]
        : children.find((child) => child.children?.[0]?.value === String(step))?.children?.[1];
    if (next === undefined) break;
    node = next;
  }
  return node;
}

function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
