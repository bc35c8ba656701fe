import { decodeUtf8, quote } from "@berth/base";
import { parseTree, printParseErrorCode } from "jsonc-parser";
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
 * levels deep, no byte order mark) and keeps the positions of all values.
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
  const twice = findRepeatedName(tree);
  if (twice !== undefined) {
    return { ...positionAt(text, twice.offset), message: `the member ${quote(twice.value)} is given twice` };
  }
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

function offsetOfDepth(text: string, limit: number): number | undefined {
  let depth = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '"') {
      for (offset += 1; offset < text.length && text[offset] !== '"'; offset += 1) {
        if (text[offset] === "\\") offset += 1;
      }
    } else if (character === "{" || character === "[") {
      depth += 1;
      if (depth === limit) return offset;
    } else if (character === "}" || character === "]") {
      depth -= 1;
    }
  }
  return undefined;
}

function findRepeatedName(node: Node): Node | undefined {
  const names = new Set<string>();
  for (const child of node.children ?? []) {
    if (child.type === "property") {
      const name = child.children?.[0];
      if (name !== undefined && names.has(name.value as string)) return name;
      if (name !== undefined) names.add(name.value as string);
    }
    const deeper = findRepeatedName(child);
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
