import type { Node, Statement } from "oxc-parser";
import type { Evaluation } from "./evaluation.ts";
import { enterFunction, evaluateClass } from "./functions.ts";
import { declarePattern } from "./hoist.ts";
import { bindPattern } from "./patterns.ts";
import { store } from "./scope.ts";
import { tag } from "./tags.ts";
import { elementOf, tagged, textValue } from "./value.ts";

/** Follows one statement. */
export function executeNode(evaluation: Evaluation, node: Node): void {
  evaluation.visit(node);
  switch (node.type) {
    case "ExpressionStatement":
      evaluation.evaluate(node.expression);
      return;
    case "VariableDeclaration":
      for (const one of node.declarations) {
        if (one.init !== null) bindPattern(evaluation, one.id, evaluation.evaluate(one.init));
      }
      return;
    case "FunctionDeclaration":
      enterFunction(evaluation, node);
      return;
    case "ClassDeclaration":
      evaluateClass(evaluation, node);
      return;
    case "ReturnStatement":
      if (node.argument !== null) evaluation.returns(evaluation.evaluate(node.argument));
      return;
    case "ThrowStatement":
      evaluation.evaluate(node.argument);
      return;
    case "IfStatement":
      executeIf(evaluation, node);
      return;
    case "BlockStatement":
    case "StaticBlock":
      inScope(evaluation, node, node.body, () => evaluation.executeBlock(node.body));
      return;
    case "ForStatement":
      inScope(evaluation, node, node.init?.type === "VariableDeclaration" ? [node.init] : [], () => {
        if (node.init?.type === "VariableDeclaration") evaluation.execute(node.init);
        else if (node.init !== null) evaluation.evaluate(node.init);
        if (node.test !== null) evaluation.evaluate(node.test);
        if (node.update !== null) evaluation.evaluate(node.update);
        loop(evaluation, node.body);
      });
      return;
    case "ForInStatement":
    case "ForOfStatement":
      executeForEach(evaluation, node);
      return;
    case "WhileStatement":
    case "DoWhileStatement": {
      const test = evaluation.evaluate(node.test);
      const when = evaluation.when;
      evaluation.when = evaluation.guarded(test.tags, node.test.start, node.test.end);
      loop(evaluation, node.body);
      evaluation.when = when;
      return;
    }
    case "SwitchStatement":
      executeSwitch(evaluation, node);
      return;
    case "TryStatement":
      evaluation.execute(node.block);
      if (node.handler !== null) executeCatch(evaluation, node.handler);
      if (node.finalizer !== null) evaluation.execute(node.finalizer);
      return;
    case "LabeledStatement":
      evaluation.execute(node.body);
      return;
    case "WithStatement":
      evaluation.evaluate(node.object);
      evaluation.execute(node.body);
      return;
    case "ImportDeclaration":
      executeImport(evaluation, node);
      return;
    case "ExportNamedDeclaration":
      if (node.source !== null) evaluation.load(textValue(node.source.value), node, true, true);
      if (node.declaration !== null) evaluation.execute(node.declaration);
      return;
    case "ExportDefaultDeclaration":
      exportDefault(evaluation, node.declaration);
      return;
    case "ExportAllDeclaration":
      evaluation.load(textValue(node.source.value), node, true, true);
      return;
    case "TSExportAssignment":
      evaluation.evaluate(node.expression);
      return;
    case "TSEnumDeclaration":
      for (const member of node.body.members) if (member.initializer !== null) evaluation.evaluate(member.initializer);
      return;
    case "TSModuleDeclaration":
      if (node.body?.type === "TSModuleBlock") evaluation.executeBlock(node.body.body);
      return;
    case "TSImportEqualsDeclaration":
      if (node.moduleReference.type === "TSExternalModuleReference") {
        const value = evaluation.load(textValue(node.moduleReference.expression.value), node, true, false);
        if (store(evaluation.scope.declare(node.id.name), value)) evaluation.changed = true;
      }
      return;
    default:
  }
}

function exportDefault(evaluation: Evaluation, node: Node): void {
  if (node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") evaluation.execute(node);
  else if (!node.type.startsWith("TS")) evaluation.evaluate(node);
}

function inScope(evaluation: Evaluation, node: Node, body: readonly Node[], work: () => void): void {
  if (!body.some(declaresNames)) {
    work();
    return;
  }
  const before = evaluation.scope;
  evaluation.scope = evaluation.scopeOf(node, before, false, body);
  work();
  evaluation.scope = before;
}

function executeCatch(evaluation: Evaluation, node: Extract<Node, { type: "CatchClause" }>): void {
  const before = evaluation.scope;
  evaluation.scope = evaluation.scopeOf(node, before, false, []);
  if (node.param !== null) declarePattern(evaluation.scope, node.param);
  evaluation.execute(node.body);
  evaluation.scope = before;
}

function loop(evaluation: Evaluation, body: Node): void {
  const when = evaluation.when;
  evaluation.when = { ...when, loops: when.loops + 1, outer: when };
  evaluation.execute(body);
  evaluation.when = when;
}

function executeIf(evaluation: Evaluation, first: Extract<Node, { type: "IfStatement" }>): void {
  const when = evaluation.when;
  // A chain of `else if` is walked, not recursed into: generated code has thousands.
  let node: Extract<Node, { type: "IfStatement" }> | undefined = first;
  while (node !== undefined) {
    if (node !== first) evaluation.visit(node);
    const test = evaluation.evaluate(node.test);
    evaluation.condition(node.test, test);
    evaluation.when = evaluation.guarded(test.tags, node.test.start, node.test.end);
    evaluation.execute(node.consequent);
    const rest: Statement | null = node.alternate;
    if (rest === null) break;
    if (rest.type === "IfStatement") {
      node = rest;
    } else {
      evaluation.execute(rest);
      node = undefined;
    }
  }
  evaluation.when = when;
}

function executeSwitch(evaluation: Evaluation, node: Extract<Node, { type: "SwitchStatement" }>): void {
  const subject = evaluation.evaluate(node.discriminant);
  evaluation.condition(node.discriminant, subject);
  const when = evaluation.when;
  evaluation.when = evaluation.guarded(subject.tags, node.discriminant.start, node.discriminant.end);
  const body = node.cases.flatMap((one) => one.consequent);
  inScope(evaluation, node, body, () => {
    for (const one of node.cases) {
      if (one.test !== null) evaluation.evaluate(one.test);
      evaluation.executeBlock(one.consequent);
    }
  });
  evaluation.when = when;
}

function executeForEach(
  evaluation: Evaluation,
  node: Extract<Node, { type: "ForInStatement" | "ForOfStatement" }>,
): void {
  const list = evaluation.evaluate(node.right);
  const each = node.type === "ForOfStatement" ? elementOf(list) : tagged(list.tags & ~tag.environment, list.at);
  inScope(evaluation, node, node.left.type === "VariableDeclaration" ? [node.left] : [], () => {
    const target = node.left.type === "VariableDeclaration" ? node.left.declarations[0]?.id : node.left;
    if (target !== undefined) bindPattern(evaluation, target, each);
    loop(evaluation, node.body);
  });
}

function executeImport(evaluation: Evaluation, node: Extract<Node, { type: "ImportDeclaration" }>): void {
  if (node.importKind === "type") return;
  const value = evaluation.load(textValue(node.source.value), node, true, true);
  for (const one of node.specifiers) {
    const imported =
      one.type === "ImportSpecifier"
        ? one.imported.type === "Identifier"
          ? one.imported.name
          : one.imported.value
        : "default";
    const bound = one.type === "ImportNamespaceSpecifier" ? value : evaluation.memberOf(value, imported);
    if (store(evaluation.scope.declare(one.local.name), bound)) evaluation.changed = true;
  }
}

function declaresNames(node: Node): boolean {
  return (
    (node.type === "VariableDeclaration" && node.kind !== "var") ||
    node.type === "FunctionDeclaration" ||
    node.type === "ClassDeclaration"
  );
}
