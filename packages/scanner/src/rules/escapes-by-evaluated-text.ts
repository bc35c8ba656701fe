import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const escapesByEvaluatedText: Rule = {
  id: "escapes-by-evaluated-text",
  class: "sandbox-escape",
  severity: "high",
  finds:
    "Code written as text that reaches for `process`, built-in modules or the constructor chain when it is evaluated.",
  remedy: "Import what is needed plainly and declare the permission.",
  syntax(check) {
    for (const compilation of check.compilations) {
      for (const text of textsOf(compilation.code)) {
        if ((topicsOf(text) & topic.escapes) === 0) continue;
        const isGrave =
          /constructor\s*[.[]["']?\s*constructor|return\s+(?:this\.)?process\b|mainModule|binding|getBuiltinModule|child_process/u.test(
            text,
          );
        check.report(
          compilation.start,
          `The text evaluated here reaches out of the sandbox: ${JSON.stringify(text.slice(0, 60))}.`,
          { severity: isGrave ? "critical" : "high", confidence: isGrave ? "high" : "medium", end: compilation.end },
        );
        break;
      }
      if (compilation.ref !== "eval") continue;
      if (textsOf(compilation.code).some((text) => /^\s*(?:module|process)\s*$/u.test(text)))
        check.report(compilation.start, "This evaluates a name to hide that it uses it.", {
          severity: "medium",
          end: compilation.end,
        });
    }
  },
};
