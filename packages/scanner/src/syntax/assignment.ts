import type { Node } from "oxc-parser";
import { eventTags } from "./events.ts";
import type { Evaluation, FunctionLike } from "./evaluation.ts";
import { binary } from "./fold.ts";
import { enterFunction } from "./functions.ts";
import { assignMember, bindPattern, noteWrite } from "./patterns.ts";
import { NOTHING, tagged, type Value } from "./value.ts";

/** `left = right` and its compound forms. */
export function evaluateAssignment(
  evaluation: Evaluation,
  node: Extract<Node, { type: "AssignmentExpression" }>,
): Value {
  const { left } = node;
  if (left.type === "Identifier") {
    const right = evaluation.evaluate(node.right);
    const binding = evaluation.scope.resolve(left.name);
    if (binding === undefined) {
      evaluation.storeRef(left.name, right);
      noteWrite(evaluation, node, left.name, NOTHING, left.name, right, node.operator);
      return right;
    }
    const value = node.operator === "+=" ? appended(binding.value, right) : right;
    evaluation.bind(binding, value);
    return value;
  }
  if (left.type === "MemberExpression") {
    const right = isFunction(node.right) ? listenerOf(evaluation, node.right) : evaluation.evaluate(node.right);
    return assignMember(evaluation, left, right, node.operator, node);
  }
  const right = evaluation.evaluate(node.right);
  if (left.type === "ObjectPattern" || left.type === "ArrayPattern") bindPattern(evaluation, left, right);
  else if (left.type === "TSAsExpression" || left.type === "TSNonNullExpression" || left.type === "TSTypeAssertion") {
    const inner = left.expression;
    if (inner.type === "MemberExpression") return assignMember(evaluation, inner, right, node.operator, node);
  }
  return right;
}

const isFunction = (node: Node): node is FunctionLike =>
  node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression";

/** A function on the right side is followed after the target is known: `document.onkeydown = (e) => …`. */
function listenerOf(evaluation: Evaluation, node: FunctionLike) {
  return (object: Value, name: string | undefined): Value => {
    const info = evaluation.functionInfo(node);
    if (name?.startsWith("on") === true) {
      info.event = name.slice(2);
      info.eventTarget = object.ref ?? "";
      evaluation.pass(info, [tagged(eventTags(info.event) | object.tags, node.start)]);
    }
    return enterFunction(evaluation, node, node.type === "ArrowFunctionExpression" ? evaluation.self : object);
  };
}

/** Adding to a text in a loop keeps its tags; its content is no longer known. */
function appended(before: Value, right: Value): Value {
  const sum = binary("+", before, right);
  return sum.tags === 0 && sum.shape === undefined ? NOTHING : sum;
}
