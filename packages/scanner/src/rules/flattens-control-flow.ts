import type { Rule } from "../rule.ts";

export const flattensControlFlow: Rule = {
  id: "flattens-control-flow",
  class: "obfuscation",
  severity: "high",
  finds: "Control flow cut into pieces that a dispatcher runs in an order that a text or table gives.",
  remedy: "Publish the code as it was written.",
  nodes: {
    WhileStatement(node, check) {
      if (node.type === "WhileStatement") checkLoop(node.body, node.start, check);
    },
    ForStatement(node, check) {
      if (node.type === "ForStatement") checkLoop(node.body, node.start, check);
    },
  },
};

type Check = Parameters<NonNullable<Rule["nodes"]>[string]>[1];
type AnyNode = Parameters<NonNullable<Rule["nodes"]>[string]>[0];

function checkLoop(body: AnyNode, start: number, check: Check): void {
  const first = body.type === "BlockStatement" ? body.body[0] : body;
  if (first?.type !== "SwitchStatement" || first.cases.length < 3) return;
  const subject = first.discriminant;
  const before = check.file.text.slice(Math.max(0, start - 400), start);
  const isOrdered =
    subject.type === "MemberExpression" && subject.computed && subject.property.type === "UpdateExpression";
  const names = first.cases.flatMap((one) => (one.test?.type === "Literal" ? [String(one.test.value)] : []));
  if (isOrdered && (/["'`]\d+(?:[|,\-_ ;:]\d+){2,}["'`]/u.test(before) || names.every((name) => /^\d+$/u.test(name)))) {
    check.report(
      start,
      "The order of these statements is kept in a text and followed by a dispatcher, so that reading shows nothing.",
      { end: first.end },
    );
    return;
  }
  // Large arbitrary state numbers are a machine's; people and regenerators count from zero.
  const odd = names.filter((name) => /^-?\d{4,}$/u.test(name)).length;
  if (
    subject.type === "Identifier" &&
    odd >= 3 &&
    odd === names.length &&
    new RegExp(`\\b${subject.name.replaceAll("$", "\\$")}\\s*=\\s*-?(?:0x)?[0-9a-f]{3,}`, "u").test(
      check.file.text.slice(first.start, first.end),
    )
  ) {
    check.report(
      start,
      "A dispatcher with arbitrary state numbers runs these statements, so that reading shows nothing.",
      { confidence: "medium", end: first.end },
    );
  }
}
