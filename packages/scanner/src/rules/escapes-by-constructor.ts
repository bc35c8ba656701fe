import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const escapesByConstructor: Rule = {
  id: "escapes-by-constructor",
  class: "sandbox-escape",
  severity: "critical",
  finds:
    "Climbing from an ordinary object to the `Function` constructor, which compiles code outside the sandbox's rules.",
  remedy: "Remove it; nothing in a plugin needs the constructor of a function.",
  syntax(check) {
    for (const call of check.facts.calls) {
      const isChain =
        call.ref === "?.constructor.constructor" ||
        call.ref === "constructor.constructor" ||
        call.ref === "#function-constructor";
      const texts = call.args.flatMap((arg) => textsOf(arg));
      const reaches = texts.some(
        (text) => (topicsOf(text) & topic.escapes) !== 0 || /\b(?:process|require|globalThis|import\s*\()/u.test(text),
      );
      if (isChain) {
        const isHarmless =
          texts.length > 0 &&
          texts.every(
            (text) =>
              text.startsWith("return this") || text.startsWith("return async") || text.startsWith("return await"),
          );
        check.report(
          call.start,
          "This climbs through `.constructor` to compile code, the classic way out of a sandbox.",
          {
            confidence: isHarmless && call.ref === "#function-constructor" ? "low" : "high",
            end: call.end,
          },
        );
      } else if (call.ref === "AsyncFunction" && reaches) {
        check.report(
          call.start,
          "This compiles code through an asynchronous function's constructor to reach the host's powers.",
          { end: call.end },
        );
      } else if (call.ref === "?.constructor" && reaches && !call.isNew) {
        check.report(call.start, "This calls a constructor with code that reaches for the host's powers.", {
          end: call.end,
        });
      }
    }
  },
};
