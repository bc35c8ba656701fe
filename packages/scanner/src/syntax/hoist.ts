import type { Node } from "oxc-parser";
import { type Scope, store } from "./scope.ts";
import type { Value } from "./value.ts";

/** Declares the names of a block before it runs, as the language does: `var` and functions may be used above their place. */
export function hoist(scope: Scope, body: readonly Node[], functionValue: (node: Node) => Value): void {
  for (const node of body) declareIn(scope, node, functionValue);
}

function declareIn(scope: Scope, node: Node, functionValue: (node: Node) => Value): void {
  switch (node.type) {
    case "VariableDeclaration":
      for (const one of node.declarations) declarePattern(node.kind === "var" ? scope.functionScope : scope, one.id);
      return;
    case "FunctionDeclaration":
      if (node.id !== null) store(scope.declare(node.id.name), functionValue(node));
      return;
    case "ClassDeclaration":
    case "TSEnumDeclaration":
      if (node.id !== null) scope.declare(node.id.name);
      return;
    case "ImportDeclaration":
      for (const one of node.specifiers) scope.declare(one.local.name);
      return;
    case "ExportNamedDeclaration":
    case "ExportDefaultDeclaration":
      if (node.declaration !== null) declareIn(scope, node.declaration, functionValue);
      return;
    default:
      for (const inner of innerStatements(node)) hoistVariables(scope, inner, 0);
  }
}

/** `var` declarations inside nested statements belong to the function. */
function hoistVariables(scope: Scope, first: Node, depth: number): void {
  if (depth > 100) return;
  let node: Node | undefined = first;
  while (node !== undefined) {
    if (node.type === "VariableDeclaration") {
      if (node.kind === "var") for (const one of node.declarations) declarePattern(scope.functionScope, one.id);
      return;
    }
    // `else if` chains are walked: they may be thousands long.
    const next: Node | undefined = node.type === "IfStatement" && node.alternate !== null ? node.alternate : undefined;
    for (const inner of innerStatements(node)) if (inner !== next) hoistVariables(scope, inner, depth + 1);
    node = next;
  }
}

function innerStatements(node: Node): readonly Node[] {
  switch (node.type) {
    case "BlockStatement":
      return node.body;
    case "IfStatement":
      return node.alternate === null ? [node.consequent] : [node.consequent, node.alternate];
    case "ForStatement":
      return node.init?.type === "VariableDeclaration" ? [node.init, node.body] : [node.body];
    case "ForInStatement":
    case "ForOfStatement":
      return node.left.type === "VariableDeclaration" ? [node.left, node.body] : [node.body];
    case "WhileStatement":
    case "DoWhileStatement":
    case "LabeledStatement":
    case "WithStatement":
      return [node.body];
    case "TryStatement":
      return [
        node.block,
        ...(node.handler === null ? [] : [node.handler.body]),
        ...(node.finalizer === null ? [] : [node.finalizer]),
      ];
    case "SwitchStatement":
      return node.cases.flatMap((one) => one.consequent);
    default:
      return [];
  }
}

/** Declares every name of a pattern. */
export function declarePattern(scope: Scope, pattern: Node, depth = 0): void {
  if (depth > 50) return;
  switch (pattern.type) {
    case "Identifier":
      scope.declare(pattern.name);
      return;
    case "ObjectPattern":
      for (const one of pattern.properties)
        declarePattern(scope, one.type === "RestElement" ? one.argument : one.value, depth + 1);
      return;
    case "ArrayPattern":
      for (const one of pattern.elements) if (one !== null) declarePattern(scope, one, depth + 1);
      return;
    case "AssignmentPattern":
      declarePattern(scope, pattern.left, depth + 1);
      return;
    case "RestElement":
      declarePattern(scope, pattern.argument, depth + 1);
      return;
    default:
  }
}
