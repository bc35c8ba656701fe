import type { Node } from "oxc-parser";
import type { Evaluation } from "./evaluation.ts";
import { concat } from "./fold.ts";
import { made, tag } from "./tags.ts";
import { NOTHING, numberValue, tagged, textValue, Value } from "./value.ts";

export function literal(node: Extract<Node, { type: "Literal" }>, text: string): Value {
  const { value } = node;
  if (typeof value === "string") {
    if (value === "") return EMPTY;
    const how = escapesIn(text, node.start, node.end, value.length) ? made.escapes : 0;
    const tags = value.length < 20_000 && INVISIBLE.test(value) ? tag.hidden : 0;
    return textValue(value, how, tags, node.start);
  }
  if (typeof value === "number") return numberValue(value);
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  if ("regex" in node) return REGEX;
  return NOTHING;
}

export function numericValue(value: Value): Value {
  const number = Number(value.shape);
  return Number.isNaN(number) ? tagged(value.tags, value.at) : numberValue(number, value.tags, value.at);
}

const EMPTY = textValue("");

export const TRUE = textValue("true");

export const FALSE = textValue("false");

const REGEX = new Value({ ref: "#regex" });

/** Four or more characters in a row that only an escape or an invisible glyph would show. */
const INVISIBLE =
  /(?:[\u200B-\u200F\u2060-\u2064\u{E0000}-\u{E00FF}\uE000-\uF8FF\u{F0000}-\u{10FFFD}\u3164\u115F\u1160\uFFA0\u2800]|[\uFE00-\uFE0F]|[\u{E0100}-\u{E01EF}]){4}/u;

/** Whether a literal spells ordinary letters as escapes (`"\x65val"`). */
function escapesIn(text: string, start: number, end: number, length: number): boolean {
  if (end - start < length + 3 || end - start > 4000) return false;
  return /\\(?:x[2-7][0-9a-f]|u00[2-7][0-9a-f]|u\{0*[2-7][0-9a-f]\})/iu.test(text.slice(start, end));
}

export function templateValue(evaluation: Evaluation, node: Extract<Node, { type: "TemplateLiteral" }>): Value {
  let value = textValue(node.quasis[0]?.value.cooked ?? "");
  for (const [index, expression] of node.expressions.entries()) {
    value = concat(value, evaluation.evaluate(expression), false);
    const text = node.quasis[index + 1]?.value.cooked ?? "";
    if (text !== "") value = concat(value, textValue(text), false);
  }
  return value;
}

/** The built-in class of an object that is written down: `[]`, `{}`, `"text"`. */
export function classOfLiteral(node: Node): string | undefined {
  switch (node.type) {
    case "ArrayExpression":
      return "Array";
    case "ObjectExpression":
      return "Object";
    case "TemplateLiteral":
      return "String";
    case "Literal":
      if (typeof node.value === "string") return "String";
      if (typeof node.value === "number") return "Number";
      return "regex" in node ? "RegExp" : undefined;
    default:
      return undefined;
  }
}
