import type { Node } from "oxc-parser";
import type { Rule } from "../rule.ts";
import { callsInto } from "../syntax/queries.ts";

export const blocksMachine: Rule = {
  id: "blocks-machine",
  class: "abuse",
  severity: "medium",
  finds: "Loops without end that print, allocate, start processes or simply hang the program.",
  remedy: "Give the loop an end.",
  nodes: {
    WhileStatement(node, check) {
      if (node.type === "WhileStatement" && isAlways(node.test)) reportLoop(node, node.body, check);
    },
    ForStatement(node, check) {
      if (node.type === "ForStatement" && (node.test === null || isAlways(node.test) || isUnbounded(node)))
        reportLoop(node, node.body, check);
    },
    DoWhileStatement(node, check) {
      if (node.type === "DoWhileStatement" && isAlways(node.test)) reportLoop(node, node.body, check);
    },
  },
  syntax(check) {
    for (const call of check.facts.calls) {
      const size = call.args[0]?.number ?? 0;
      const isHuge = /^(?:Buffer\.alloc(?:Unsafe)?|Array|\w+Array|ArrayBuffer)$/u.test(call.ref) && size >= 2 ** 24;
      if (isHuge && (call.when.loops > 0 || call.when.delayMs > 0))
        check.report(call.start, "This takes more and more memory, again and again.", { end: call.end });
    }
    for (const call of callsInto(check.facts, "run")) {
      const isSelf =
        call.when.loops > 0 &&
        /process\.argv\[1\]|__filename/u.test(check.source(call.start, call.end)) &&
        /while\s*\(\s*(?:true|1)|for\s*\(\s*;\s*;/u.test(
          check.file.text.slice(Math.max(0, call.start - 400), call.start),
        );
      if (isSelf) check.report(call.start, "This starts itself again and again.", { severity: "high", end: call.end });
    }
  },
};

function reportLoop(node: Node, body: Node, check: Parameters<NonNullable<Rule["nodes"]>[string]>[1]): void {
  const text = check.file.text.slice(body.start, Math.min(body.end, body.start + 4000));
  if (/\b(?:break|return|throw|yield|await|process\.exit|Atomics\.wait|continue [\w$]+)\b/u.test(text)) return;
  const prints = /console\.\w+|process\.std(?:out|err)\.write|alert\(|document\.write/u.test(text);
  check.report(node.start, prints ? "This loop prints without end." : "This loop never ends and hangs the program.", {
    severity: "medium",
    end: node.end,
  });
}

const isAlways = (test: Node): boolean =>
  (test.type === "Literal" && Boolean(test.value)) ||
  (test.type === "UnaryExpression" &&
    test.operator === "!" &&
    ((test.argument.type === "Literal" && test.argument.value === 0) ||
      test.argument.type === "ArrayExpression" ||
      (test.argument.type === "UnaryExpression" &&
        test.argument.operator === "!" &&
        test.argument.argument.type === "ArrayExpression")));

/** `for (let i = 666; i < Infinity; i++)`, which minifiers write as `1 / 0`. */
function isUnbounded(node: Extract<Node, { type: "ForStatement" }>): boolean {
  const test = node.test;
  return (
    test?.type === "BinaryExpression" &&
    ((test.right.type === "BinaryExpression" &&
      test.right.operator === "/" &&
      test.right.right.type === "Literal" &&
      test.right.right.value === 0) ||
      (test.right.type === "Identifier" && test.right.name === "Infinity") ||
      (test.right.type === "MemberExpression" &&
        !test.right.computed &&
        test.right.property.type === "Identifier" &&
        test.right.property.name.startsWith("MAX_")))
  );
}
