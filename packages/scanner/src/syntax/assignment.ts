import type { Node } from "oxc-parser";
import { elementOf, type Evaluator, type FunctionLike } from "./evaluator.ts";
import { binary } from "./fold.ts";
import { memberRef } from "./references.ts";
import { tag } from "./tags.ts";
import { join, NOTHING, tagged, Value, withTags } from "./value.ts";

/** Members whose assignment on an unknown object says something by itself. */
const tellingMembers: ReadonlySet<string> = new Set(
  (
    "src href action innerHTML outerHTML textContent innerText text cssText srcdoc onload onclick onkeydown onkeyup onkeypress oninput onsubmit " +
    "onpaste oncopy onchange onmessage onreadystatechange cookie location prototype __proto__ prepareStackTrace then toString exports push _load require " +
    "constructor check verify allow isAllowed hasPermission can authorize permissions value backgroundImage background data"
  ).split(" "),
);

/** Binds a value to a pattern: a name, or the parts of an object or array. */
export function bindPattern(evaluator: Evaluator, pattern: Node, value: Value): void {
  switch (pattern.type) {
    case "Identifier": {
      const binding = evaluator.scope.resolve(pattern.name) ?? evaluator.scope.declare(pattern.name);
      evaluator.bind(binding, value);
      return;
    }
    case "AssignmentPattern":
      bindPattern(evaluator, pattern.left, join(value, evaluator.evaluate(pattern.right)));
      return;
    case "ObjectPattern":
      for (const one of pattern.properties) {
        if (one.type === "RestElement") {
          bindPattern(evaluator, one.argument, value);
          continue;
        }
        const name = evaluator.keyName(one.key, one.computed);
        bindPattern(
          evaluator,
          one.value,
          name === undefined ? tagged(value.tags, value.at) : evaluator.memberOf(value, name),
        );
      }
      return;
    case "ArrayPattern":
      for (const [index, one] of pattern.elements.entries()) {
        if (one === null) continue;
        if (one.type === "RestElement") bindPattern(evaluator, one.argument, value);
        else bindPattern(evaluator, one, value.items?.[index] ?? elementOf(value));
      }
      return;
    case "MemberExpression":
      assignMember(evaluator, pattern, value, "=", pattern);
      return;
    default:
  }
}

/** `left = right` and its compound forms. */
export function evaluateAssignment(evaluator: Evaluator, node: Extract<Node, { type: "AssignmentExpression" }>): Value {
  const { left } = node;
  if (left.type === "Identifier") {
    const right = evaluator.evaluate(node.right);
    const binding = evaluator.scope.resolve(left.name);
    if (binding === undefined) {
      evaluator.storeRef(left.name, right);
      write(evaluator, node, left.name, NOTHING, left.name, right, node.operator);
      return right;
    }
    const value = node.operator === "+=" ? appended(binding.value, right) : right;
    evaluator.bind(binding, value);
    return value;
  }
  if (left.type === "MemberExpression") {
    return assignMember(evaluator, left, functionOrValue(evaluator, node.right), node.operator, node);
  }
  const right = evaluator.evaluate(node.right);
  if (left.type === "ObjectPattern" || left.type === "ArrayPattern") bindPattern(evaluator, left, right);
  else if (left.type === "TSAsExpression" || left.type === "TSNonNullExpression" || left.type === "TSTypeAssertion") {
    const inner = left.expression;
    if (inner.type === "MemberExpression") return assignMember(evaluator, inner, right, node.operator, node);
  }
  return right;
}

/** A function on the right side is followed after the target is known: `document.onkeydown = (e) => …`. */
function functionOrValue(evaluator: Evaluator, node: Node): Value | FunctionLike {
  return node.type === "FunctionExpression" || node.type === "ArrowFunctionExpression"
    ? node
    : evaluator.evaluate(node);
}

/** Adding to a text in a loop keeps its tags; its content is no longer known. */
function appended(before: Value, right: Value): Value {
  const sum = binary("+", before, right);
  return sum.tags === 0 && sum.shape === undefined ? NOTHING : sum;
}

export function updateTarget(evaluator: Evaluator, node: Node): void {
  if (node.type === "MemberExpression") evaluator.member(node);
}

function assignMember(
  evaluator: Evaluator,
  target: Extract<Node, { type: "MemberExpression" }>,
  right: Value | FunctionLike,
  operator: string,
  node: Node,
): Value {
  const object = target.object.type === "Super" ? evaluator.self : evaluator.evaluate(target.object);
  let name: string | undefined;
  let nameTags = 0;
  if (!target.computed)
    name = target.property.type === "PrivateIdentifier" ? `#${target.property.name}` : target.property.name;
  else {
    const key = evaluator.evaluate(target.property);
    nameTags = key.tags;
    if (key.isConstant) name = key.shape;
  }
  let value: Value;
  if (right instanceof Value) value = right;
  else {
    const info = evaluator.functionInfo(right);
    if (name?.startsWith("on") === true) {
      info.event = name.slice(2);
      info.eventTarget = object.ref ?? "";
      evaluator.pass(info, [tagged(eventTags(info.event), right.start)]);
    }
    value = evaluator.enterFunction(right, right.type === "ArrowFunctionExpression" ? evaluator.self : object);
  }
  if (operator === "+=" && name !== undefined)
    value = join(value, withTags(evaluator.memberOf(object, name), value.tags, value.at));
  if (name !== undefined) {
    if (object.props !== undefined) evaluator.setMember(object.props, name, value);
    if (object.ref !== undefined && object.ref !== "this") {
      const ref = memberRef(object.ref, name);
      if (ref !== undefined) evaluator.storeRef(ref, value);
      write(evaluator, node, ref, object, name, value, operator);
    } else if (tellingMembers.has(name) || value.tags !== 0)
      write(evaluator, node, memberRef(undefined, name), object, name, value, operator);
  } else {
    // `table[key] = value`: whoever reads the table may get the value.
    if (value.tags !== 0 && object.props !== undefined)
      evaluator.setMember(object.props, "*", tagged(value.tags, value.at));
    if (object.ref !== undefined)
      write(evaluator, node, `${object.ref}.*`, object, "*", withTags(value, nameTags, value.at), operator);
    if (value.tags !== 0 && target.object.type === "Identifier") {
      const binding = evaluator.scope.resolve(target.object.name);
      if (binding !== undefined) evaluator.bind(binding, tagged(value.tags, value.at));
    }
  }
  return value;
}

function write(
  evaluator: Evaluator,
  node: Node,
  ref: string | undefined,
  object: Value,
  name: string,
  value: Value,
  operator: string,
): void {
  if (evaluator.facts.writes.length > 20_000) return;
  evaluator.facts.writes.push({
    node,
    start: node.start,
    end: node.end,
    ref,
    object,
    name,
    value,
    operator,
    when: evaluator.when,
  });
}

/** What an event tells its listener. */
export function eventTags(event: string): number {
  if (/^key(?:down|up|press)$/u.test(event)) return tag.keystroke;
  if (/^(?:paste|copy|cut)$/u.test(event)) return tag.clipboard;
  if (/^(?:input|change|submit|blur|focusout|beforeinput)$/u.test(event)) return tag.form;
  if (event === "message" || event === "data") return tag.remote;
  return 0;
}
