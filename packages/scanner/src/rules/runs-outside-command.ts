import type { Rule } from "../rule.ts";
import { callsInto } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { CONCEALED, describeTags, tag } from "../syntax/tags.ts";
import { deepTags } from "../syntax/value.ts";

const OUTSIDE = tag.remote | tag.decoded | tag.hidden;

export const runsOutsideCommand: Rule = {
  id: "runs-outside-command",
  class: "process",
  severity: "critical",
  finds: "Commands that come from the network, or that are decoded before they are run.",
  remedy: "Run only commands that are written in the code and named in the manifest.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      const inputs = call.args.filter((arg) => arg.fn === undefined).slice(0, 2);
      const tags = inputs.reduce((sum, arg) => sum | deepTags(arg), 0);
      const how = inputs.reduce(
        (sum, arg) => sum | arg.made | (arg.items?.reduce((inner, item) => inner | item.made, 0) ?? 0),
        0,
      );
      const text = commandOf(inputs);
      if ((tags & OUTSIDE) !== 0) {
        check.report(call.start, `The command run here comes from ${describeTags(tags & OUTSIDE)}.`, { end: call.end });
      } else if ((how & CONCEALED) !== 0) {
        check.report(call.start, "The command run here was put together to hide it.", {
          severity: "high",
          confidence: (how & ~CONCEALED) === how ? "high" : "medium",
          end: call.end,
        });
      } else if (
        /(?:^|[ /])(?:node|bun|deno|process\.execPath)\S* (?:-e|--eval|-p)\s/u.test(`${text} `) &&
        /\b(?:require|import|fetch|eval|process)\b/u.test(text)
      ) {
        check.report(call.start, "This runs text as a program in a process of its own.", {
          severity: "medium",
          end: call.end,
        });
      }
    }
    for (const call of check.facts.calls) {
      if (!/^#child\.stdin\.(?:write|end)$/u.test(call.ref) || !call.args.some((arg) => (arg.tags & OUTSIDE) !== 0))
        continue;
      check.report(call.start, "What arrives from outside is typed into a running command.", { end: call.end });
    }
  },
};
