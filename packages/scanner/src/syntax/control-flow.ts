import type { Node } from "oxc-parser";

/** Whether a statement always leaves the code that follows it. */
export function leaves(node: Node): boolean {
  if (node.type === "BlockStatement") return node.body.some(leaves);
  if (
    node.type === "ReturnStatement" ||
    node.type === "ThrowStatement" ||
    node.type === "ContinueStatement" ||
    node.type === "BreakStatement"
  )
    return true;
  if (node.type !== "ExpressionStatement" || node.expression.type !== "CallExpression") return false;
  const callee = node.expression.callee;
  return (
    callee.type === "MemberExpression" &&
    !callee.computed &&
    callee.property.type === "Identifier" &&
    callee.property.name === "exit"
  );
}
