import type { Node } from "oxc-parser";
import type { Call } from "./call.ts";
import type { Evaluation, FunctionLike } from "./evaluation.ts";
import { type FunctionInfo, arrayValue, NOTHING, numberValue, tagged, Value, withTags } from "./value.ts";

const MAX_INLINE = 3;

/** The result of a short function for these arguments alone; `undefined` when it cannot be told. */
export function inline(
  evaluation: Evaluation,
  node: FunctionLike,
  fn: FunctionInfo,
  args: readonly Value[],
): Value | undefined {
  if (evaluation.isInlining >= MAX_INLINE || node.body === null) return undefined;
  let body: Node = node.body;
  if (body.type === "BlockStatement") {
    const [only, second] = body.body;
    if (only?.type !== "ReturnStatement" || second !== undefined || only.argument === null) return undefined;
    body = only.argument;
  }
  const length = body.end - body.start;
  if (length > 400 || node.params.length > 6 || !evaluation.steps(20 + length)) return undefined;
  const { scope, facts, changed } = evaluation;
  const bindings = node.params.map((parameter) =>
    parameter.type === "Identifier" ? evaluation.scopeOf(node, scope, true, []).declare(parameter.name) : undefined,
  );
  if (bindings.includes(undefined)) return undefined;
  const saved = bindings.map((binding) => binding?.value ?? NOTHING);
  const savedArgs = fn.args;
  evaluation.isInlining += 1;
  for (const [index, binding] of bindings.entries()) if (binding !== undefined) binding.value = args[index] ?? NOTHING;
  evaluation.scope = evaluation.scopeOf(node, scope, true, []);
  const value = evaluation.evaluateAgain(body);
  evaluation.scope = scope;
  for (const [index, binding] of bindings.entries()) if (binding !== undefined) binding.value = saved[index] ?? NOTHING;
  fn.args = savedArgs;
  evaluation.isInlining -= 1;
  evaluation.facts = facts;
  evaluation.changed = changed;
  return value;
}

/** What `list.map(callback)` and its relatives give. */
export function mapResult(evaluation: Evaluation, call: Call, callback: FunctionInfo): Value {
  const { receiver, name, node } = call;
  if (name === "filter" || name === "sort") return receiver;
  const own = evaluation.resultOf(callback);
  const source = receiver.items;
  const fn = callback.node;
  if (name === "map" && source !== undefined && source.length <= 1024 && fn?.type === "ArrowFunctionExpression") {
    const items: Value[] = [];
    for (const [index, item] of source.entries()) {
      const value = inline(evaluation, fn, callback, [item, numberValue(index)]);
      if (value === undefined || (!value.isConstant && value.items === undefined)) break;
      items.push(value);
    }
    if (items.length === source.length && items.length > 0) return arrayValue(items, node.start);
    // The letters are not known, but that they are put together one by one is.
    return new Value({ items: [own], tags: own.tags | receiver.tags, at: own.at >= 0 ? own.at : node.start });
  }
  const kept = name === "replace" || name === "replaceAll" ? receiver.tags : receiver.tags & ~0;
  return withTags(
    name === "map" || name === "flatMap"
      ? new Value({ tags: own.tags, at: own.at, items: [own] })
      : tagged(own.tags, own.at),
    kept,
    receiver.at,
  );
}
