import type { Node, ObjectExpression } from "oxc-parser";
import { evaluateAssignment } from "./assignment.ts";
import { evaluateCall, evaluateTagged } from "./calls.ts";
import type { Evaluation, FunctionLike } from "./evaluation.ts";
import { binary } from "./fold.ts";
import { enterFunction, evaluateClass } from "./functions.ts";
import { FALSE, literal, numericValue, templateValue, TRUE } from "./literals.ts";
import { keyName, member } from "./members.ts";
import { CONCEALED, CONDITION, tag } from "./tags.ts";
import { arrayValue, join, NOTHING, numberValue, tagged, textValue, Value, withTags } from "./value.ts";

/** What an expression is worth. */
export function evaluateNode(evaluation: Evaluation, node: Node): Value {
  if (node.type !== "Identifier") evaluation.visit(node);
  switch (node.type) {
    case "Identifier":
      return identifier(evaluation, node.name);
    case "Literal":
      return literalValue(evaluation, node);
    case "TemplateLiteral":
      return templateValue(evaluation, node);
    case "BinaryExpression":
      return binaryChain(evaluation, node);
    case "MemberExpression":
      return member(evaluation, node).value;
    case "CallExpression":
    case "NewExpression":
      return evaluateCall(evaluation, node);
    case "ChainExpression":
      return evaluation.evaluate(node.expression);
    case "AssignmentExpression":
      return evaluateAssignment(evaluation, node);
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return enterFunction(evaluation, node);
    case "ClassExpression":
      return evaluateClass(evaluation, node);
    case "ObjectExpression":
      return objectLiteral(evaluation, node);
    case "ArrayExpression":
      return arrayLiteral(evaluation, node.elements, node.start);
    case "ConditionalExpression": {
      const test = evaluation.evaluate(node.test);
      evaluation.condition(node.test, test);
      const when = evaluation.when;
      evaluation.when = evaluation.guarded(test.tags, node.test.start, node.test.end);
      const yes = evaluation.evaluate(node.consequent);
      const value = join(yes, evaluation.evaluate(node.alternate));
      evaluation.when = when;
      return value;
    }
    case "LogicalExpression": {
      const left = evaluation.evaluate(node.left);
      evaluation.condition(node.left, left);
      const when = evaluation.when;
      evaluation.when = evaluation.guarded(left.tags, node.left.start, node.left.end);
      const right = evaluation.evaluate(node.right);
      evaluation.when = when;
      return node.operator === "&&" ? withTags(right, left.tags & CONDITION, left.at) : join(left, right);
    }
    case "UnaryExpression": {
      const value = evaluation.evaluate(node.argument);
      if (node.operator === "-" && value.number !== undefined) return numberValue(-value.number, value.tags, value.at);
      if (node.operator === "+" && value.isConstant && value.shape !== "") return numericValue(value);
      if (node.operator === "!" && value.number !== undefined) return value.number === 0 ? TRUE : FALSE;
      if (node.operator === "!") return tagged(value.tags & CONDITION, value.at);
      return node.operator === "typeof" || node.operator === "void" || node.operator === "delete"
        ? NOTHING
        : tagged(value.tags, value.at);
    }
    case "UpdateExpression":
      if (node.argument.type === "MemberExpression") member(evaluation, node.argument);
      return NOTHING;
    case "SequenceExpression": {
      let last = NOTHING;
      for (const one of node.expressions) last = evaluation.evaluate(one);
      return last;
    }
    case "AwaitExpression":
      return evaluation.evaluate(node.argument);
    case "YieldExpression":
      if (node.argument !== null) evaluation.returns(evaluation.evaluate(node.argument));
      return NOTHING;
    case "SpreadElement":
      return evaluation.evaluate(node.argument);
    case "ThisExpression":
      return evaluation.self;
    case "ImportExpression": {
      const specifier = evaluation.evaluate(node.source);
      return evaluation.load(specifier, node, false, true);
    }
    case "TaggedTemplateExpression":
      return evaluateTagged(evaluation, node);
    case "MetaProperty":
      return evaluation.global(`${node.meta.name}.${node.property.name}`);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSTypeAssertion":
    case "TSNonNullExpression":
    case "TSInstantiationExpression":
    case "ParenthesizedExpression":
      return evaluation.evaluate(node.expression);
    case "JSXElement":
      jsx(evaluation, node);
      return NOTHING;
    case "JSXFragment":
      for (const child of node.children) jsxChild(evaluation, child);
      return NOTHING;
    default:
      return NOTHING;
  }
}

function literalValue(evaluation: Evaluation, node: Extract<Node, { type: "Literal" }>): Value {
  const value = literal(node, evaluation.text);
  evaluation.arise(value.tags);
  return value;
}

function identifier(evaluation: Evaluation, name: string): Value {
  const binding = evaluation.scope.resolve(name);
  if (binding === undefined) {
    if (name === "undefined" || name === "NaN" || name === "arguments")
      return name === "arguments" ? argumentsValue(evaluation) : NOTHING;
    return evaluation.globalNamed(name);
  }
  binding.wasRead = true;
  if (binding.isShared || binding.home !== evaluation.scope.functionScope) evaluation.arise(binding.value.tags);
  return binding.value;
}

function argumentsValue(evaluation: Evaluation): Value {
  const args = evaluation.current?.args ?? [];
  if (evaluation.current !== undefined) evaluation.current.wasRead = true;
  const tags = args.reduce((sum, arg) => sum | arg.tags, 0);
  return new Value({ ref: "arguments", items: args.length > 0 ? args : undefined, tags, at: 0 });
}

function binaryChain(evaluation: Evaluation, node: Extract<Node, { type: "BinaryExpression" }>): Value {
  // A sum of thousands of strings leans to the left: it is unrolled, not recursed into.
  const rights: Extract<Node, { type: "BinaryExpression" }>[] = [];
  let left: Node = node;
  while (left.type === "BinaryExpression") {
    if (left !== node) evaluation.visit(left);
    rights.push(left);
    left = left.left;
  }
  let value = left.type === "PrivateIdentifier" ? NOTHING : evaluation.evaluate(left);
  let budget = 2000;
  for (const one of rights.reverse()) {
    const right = evaluation.evaluate(one.right);
    if (isComparison(one.operator))
      value = tagged((value.tags | right.tags) & (CONDITION | tag.remote), Math.max(value.at, right.at));
    else value = (budget -= 1) > 0 ? binary(one.operator, value, right) : tagged(value.tags | right.tags, value.at);
  }
  if ((value.made & CONCEALED) !== 0 && value.isConstant) evaluation.concealed(node, value);
  return value;
}

function objectLiteral(evaluation: Evaluation, node: ObjectExpression): Value {
  const members = evaluation.objectOf(node);
  let tags = 0;
  let at = -1;
  const before = evaluation.self;
  const late: FunctionLike[] = [];
  for (const member of node.properties) {
    if (member.type === "SpreadElement") {
      const spread = evaluation.evaluate(member.argument);
      tags |= spread.tags;
      if (at < 0) at = spread.at;
      if (spread.props !== undefined)
        for (const [name, value] of spread.props) evaluation.setMember(members, name, value);
      continue;
    }
    const name = keyName(evaluation, member.key, member.computed);
    const isFunction = member.value.type === "FunctionExpression" || member.value.type === "ArrowFunctionExpression";
    if (isFunction) late.push(member.value as FunctionLike);
    const value = isFunction
      ? evaluation.functionValue(member.value as FunctionLike)
      : evaluation.evaluate(member.value);
    tags |= value.tags;
    if (at < 0) at = value.at;
    if (name !== undefined) evaluation.setMember(members, name, value);
  }
  for (const fn of late)
    enterFunction(evaluation, fn, fn.type === "ArrowFunctionExpression" ? before : new Value({ props: members }));
  return new Value({ props: members, tags, at });
}

function arrayLiteral(evaluation: Evaluation, elements: readonly (Node | null)[], start: number): Value {
  const items: Value[] = [];
  for (const element of elements) {
    if (element === null) continue;
    const value = evaluation.evaluate(element);
    if (element.type === "SpreadElement") items.push(...spreadItems(value));
    else items.push(value);
  }
  return arrayValue(items, start);
}

function jsx(evaluation: Evaluation, node: Extract<Node, { type: "JSXElement" }>): void {
  for (const attribute of node.openingElement.attributes) {
    if (attribute.type === "JSXSpreadAttribute") evaluation.evaluate(attribute.argument);
    else if (attribute.value?.type === "JSXExpressionContainer") jsxChild(evaluation, attribute.value);
  }
  for (const child of node.children) jsxChild(evaluation, child);
}

function jsxChild(evaluation: Evaluation, node: Node): void {
  if (node.type === "JSXExpressionContainer") {
    if (node.expression.type !== "JSXEmptyExpression") evaluation.evaluate(node.expression);
  } else if (node.type === "JSXElement" || node.type === "JSXFragment") evaluation.evaluate(node);
  else if (node.type === "JSXSpreadChild") evaluation.evaluate(node.expression);
}

const isComparison = (operator: string): boolean => /^(?:[=!]==?|[<>]=?|in|instanceof)$/u.test(operator);

function spreadItems(value: Value): readonly Value[] {
  if (value.items !== undefined) return value.items;
  if (value.isConstant && value.shape !== undefined && value.shape.length <= 4096) {
    return Array.from(value.shape, (letter) => textValue(letter, value.made, value.tags, value.at));
  }
  return [tagged(value.tags, value.at)];
}
