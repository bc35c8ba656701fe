import type { Node } from "oxc-parser";
import { classOfLiteral } from "./literals.ts";
import type { Evaluation } from "./evaluation.ts";
import { tag } from "./tags.ts";
import { type FunctionInfo, elementOf, join, tagged, Value, withTags } from "./value.ts";

export function keyName(evaluation: Evaluation, key: Node, computed: boolean): string | undefined {
  if (!computed && key.type === "Identifier") return key.name;
  if (key.type === "PrivateIdentifier") return `#${key.name}`;
  if (key.type === "Literal") return String(key.value);
  const value = evaluation.evaluate(key);
  return value.isConstant ? value.shape : undefined;
}

export function member(
  evaluation: Evaluation,
  node: Extract<Node, { type: "MemberExpression" }>,
): {
  readonly object: Value;
  readonly name: string | undefined;
  readonly value: Value;
} {
  const object = node.object.type === "Super" ? evaluation.self : evaluation.evaluate(node.object);
  if (!node.computed) {
    const name = node.property.type === "PrivateIdentifier" ? `#${node.property.name}` : node.property.name;
    const value =
      name === "constructor" ? constructorOf(evaluation, node.object, object) : evaluation.memberOf(object, name);
    read(evaluation, node, value, 0);
    return { object, name, value };
  }
  const key = evaluation.evaluate(node.property);
  if (key.isConstant && key.shape !== undefined) {
    const value =
      key.shape === "constructor"
        ? constructorOf(evaluation, node.object, object)
        : evaluation.memberOf(object, key.shape);
    read(evaluation, node, value, key.made);
    return { object, name: key.shape, value };
  }
  if (object.items !== undefined)
    return { object, name: undefined, value: withTags(elementOf(object), key.tags & tag.hidden, key.at) };
  if (object.ref === "require.cache") return { object, name: undefined, value: evaluation.global("require.cache.*") };
  const tags = object.tags | (key.tags & (tag.decoded | tag.hidden | tag.remote));
  let value =
    object.ref !== undefined && object.tags === 0 && tags !== 0
      ? new Value({ ref: `${object.ref}.*`, tags, at: key.at })
      : tagged(tags, object.at);
  if (object.props !== undefined) for (const one of [...object.props.values()].slice(0, 32)) value = join(value, one);
  return { object, name: undefined, value };
}

/** `.constructor`: of a function it is the compiler `Function`, by whatever way the function was reached. */
function constructorOf(evaluation: Evaluation, node: Node, object: Value): Value {
  const own = object.props?.get("constructor");
  if (own !== undefined) return own;
  if (node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression") {
    return evaluation.global(
      node.async || (node.type === "FunctionExpression" && node.generator) ? "AsyncFunction" : "#function-constructor",
    );
  }
  const owner = classOfLiteral(node);
  if (owner !== undefined) return evaluation.global(owner);
  if (object.ref === "?.constructor") return evaluation.global("?.constructor.constructor");
  if (node.type === "MemberExpression" && isLiteralObject(node.object))
    return evaluation.global("#function-constructor");
  if (object.fn !== undefined && object.props === undefined)
    return evaluation.global(isAsync(object.fn) ? "AsyncFunction" : "#function-constructor");
  if (object.ref === "module" || object.ref === "process.mainModule") return evaluation.global("module");
  if (object.ref === "#prototype-of-function") return evaluation.global("AsyncFunction");
  if (object.ref !== undefined && (FUNCTIONS.has(object.ref) || STATIC_METHOD.test(object.ref)))
    return evaluation.global("#function-constructor");
  return evaluation.global("?.constructor");
}

function read(
  evaluation: Evaluation,
  node: Extract<Node, { type: "MemberExpression" }>,
  value: Value,
  nameMade: number,
): void {
  if (value.ref === undefined || evaluation.facts.reads.length > 20_000) return;
  if (nameMade !== 0 || isWatched(value.ref)) {
    evaluation.facts.reads.push({
      node,
      start: node.start,
      end: node.end,
      ref: value.ref,
      nameMade,
      when: evaluation.when,
    });
  }
}

/** Built-in functions whose `.constructor` is reached in escapes. */
const FUNCTIONS = new Set([
  "eval",
  "fetch",
  "setTimeout",
  "setInterval",
  "require",
  "Object",
  "Array",
  "String",
  "Function",
  "Promise",
  "Number",
  "Boolean",
  "RegExp",
  "Symbol",
  "Error",
  "BigInt",
  "Map",
  "Date",
  "console.log",
  "Math.max",
  "parseInt",
  "alert",
]);

/** Functions that hang on built-in objects. */
const STATIC_METHOD = /^(?:Math|Object|Array|JSON|console|Reflect|Promise|String|Number|Date|Symbol)\.[a-z]\w*$/u;

function isWatched(ref: string): boolean {
  return WATCHED.has(ref) || ref.startsWith("process.") || ref.startsWith("navigator.") || ref.startsWith("?.");
}

const WATCHED = new Set([
  "document.cookie",
  "module.constructor",
  "module.parent",
  "require.cache",
  "require.extensions",
  "require.main",
  "Error.prepareStackTrace",
  "arguments.callee",
  "arguments.callee.caller",
  "eval",
  "Function",
  "__filename",
]);

const isAsync = (fn: FunctionInfo): boolean =>
  (fn.node?.type === "FunctionDeclaration" ||
    fn.node?.type === "FunctionExpression" ||
    fn.node?.type === "ArrowFunctionExpression") &&
  (fn.node.async || fn.node.generator);

const isLiteralObject = (node: Node): boolean =>
  node.type === "ArrayExpression" ||
  node.type === "Literal" ||
  node.type === "TemplateLiteral" ||
  node.type === "ObjectExpression";
