import type { Node } from "oxc-parser";
import type { Evaluation } from "./evaluation.ts";
import { keyName } from "./members.ts";
import { memberRef } from "./references.ts";
import { elementOf, join, tagged, Value, withTags } from "./value.ts";

/** Members whose assignment on an unknown object says something by itself. */
const tellingMembers: ReadonlySet<string> = new Set(
  (
    "src href action innerHTML outerHTML textContent innerText text cssText srcdoc onload onclick onkeydown onkeyup onkeypress oninput onsubmit " +
    "onpaste oncopy onchange onmessage onreadystatechange cookie location prototype __proto__ prepareStackTrace then toString exports push _load require " +
    "constructor check verify allow isAllowed hasPermission can authorize permissions verifySignature validate isTrusted isAdmin requirePermission canAccess to recipient destination value backgroundImage background data"
  ).split(" "),
);

/** Binds a value to a pattern: a name, or the parts of an object or array. */
export function bindPattern(evaluation: Evaluation, pattern: Node, value: Value): void {
  switch (pattern.type) {
    case "Identifier": {
      const binding = evaluation.scope.resolve(pattern.name) ?? evaluation.scope.declare(pattern.name);
      evaluation.bind(binding, value);
      return;
    }
    case "AssignmentPattern":
      bindPattern(evaluation, pattern.left, join(value, evaluation.evaluate(pattern.right)));
      return;
    case "ObjectPattern":
      for (const one of pattern.properties) {
        if (one.type === "RestElement") {
          bindPattern(evaluation, one.argument, value);
          continue;
        }
        const name = keyName(evaluation, one.key, one.computed);
        bindPattern(
          evaluation,
          one.value,
          name === undefined ? tagged(value.tags, value.at) : evaluation.memberOf(value, name),
        );
      }
      return;
    case "ArrayPattern":
      for (const [index, one] of pattern.elements.entries()) {
        if (one === null) continue;
        if (one.type === "RestElement") bindPattern(evaluation, one.argument, value);
        else bindPattern(evaluation, one, value.items?.[index] ?? elementOf(value));
      }
      return;
    case "MemberExpression":
      assignMember(evaluation, pattern, value, "=", pattern);
      return;
    default:
  }
}

/** Assigns to a member. A right side that needs to know its target first (a listener) is given as a function of it. */
export function assignMember(
  evaluation: Evaluation,
  target: Extract<Node, { type: "MemberExpression" }>,
  right: Value | ((object: Value, name: string | undefined) => Value),
  operator: string,
  node: Node,
): Value {
  const object = target.object.type === "Super" ? evaluation.self : evaluation.evaluate(target.object);
  let name: string | undefined;
  let nameTags = 0;
  if (!target.computed)
    name = target.property.type === "PrivateIdentifier" ? `#${target.property.name}` : target.property.name;
  else {
    const key = evaluation.evaluate(target.property);
    nameTags = key.tags;
    if (key.isConstant) name = key.shape;
  }
  let value = right instanceof Value ? right : right(object, name);
  // `queue ??= []` is whatever stands there already, or else the right side.
  if ((operator === "??=" || operator === "||=") && name !== undefined)
    value = join(evaluation.memberOf(object, name), value);
  if (operator === "+=" && name !== undefined)
    value = join(value, withTags(evaluation.memberOf(object, name), value.tags, value.at));
  if (name !== undefined) {
    if (object.props !== undefined) evaluation.setMember(object.props, name, value);
    if (object.ref !== undefined && object.ref !== "this") {
      const ref = memberRef(object.ref, name);
      if (ref !== undefined) evaluation.storeRef(ref, value);
      noteWrite(evaluation, node, ref, object, name, value, operator);
    } else if (tellingMembers.has(name) || value.tags !== 0)
      noteWrite(evaluation, node, memberRef(undefined, name), object, name, value, operator);
  } else {
    // `table[key] = value`: whoever reads the table may get the value.
    if (value.tags !== 0 && object.props !== undefined)
      evaluation.setMember(object.props, "*", tagged(value.tags, value.at));
    if (object.ref !== undefined)
      noteWrite(evaluation, node, `${object.ref}.*`, object, "*", withTags(value, nameTags, value.at), operator);
    if (value.tags !== 0 && target.object.type === "Identifier") {
      const binding = evaluation.scope.resolve(target.object.name);
      if (binding !== undefined) evaluation.bind(binding, tagged(value.tags, value.at));
    }
  }
  return value;
}

/** Notes an assignment that rules may want to see. */
export function noteWrite(
  evaluation: Evaluation,
  node: Node,
  ref: string | undefined,
  object: Value,
  name: string,
  value: Value,
  operator: string,
): void {
  if (evaluation.facts.writes.length > 20_000) return;
  evaluation.facts.writes.push({
    node,
    start: node.start,
    end: node.end,
    ref,
    object,
    name,
    value,
    operator,
    when: evaluation.when,
  });
}
