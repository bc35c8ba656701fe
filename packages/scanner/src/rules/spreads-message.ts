import type { Rule } from "../rule.ts";
import { callsInto, testsAround, textsOf } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";

export const spreadsMessage: Rule = {
  id: "spreads-message",
  class: "abuse",
  severity: "medium",
  finds: "Messages or sabotage shown only to users of some country or language.",
  remedy: "Keep politics out of other people's programs.",
  syntax(check) {
    const victim = tag.locale | tag.identity;
    for (const call of check.facts.calls) {
      const shows =
        /^(?:alert|console\.\w+|document\.write|confirm|vscode\.window\.show\w+|process\.exit|process\.abort)$/u.test(
          call.ref,
        );
      if (!shows || (call.when.guards & victim) === 0 || check.file.text.length > 30_000) continue;
      const tests = testsAround(check, call.when);
      const isPlace =
        /\b(?:ru|be|by|il|ir|cn|us|ua|RU|BY|IL|IR|CN|US|UA|Europe|Asia|Moscow|Minsk|Tehran|Jerusalem|Kiev|Kyiv|Shanghai|America)\b|getTimezoneOffset/u.test(
          tests + check.file.text.slice(0, 5000),
        );
      if (isPlace)
        check.report(call.start, "This shows or does something only to users of certain countries or languages.", {
          severity: "medium",
          end: call.end,
        });
    }
    for (const write of check.facts.writes) {
      if (
        (write.when.guards & victim) === 0 ||
        !/^document\.(?:body|title|documentElement)/u.test(write.ref ?? "") ||
        check.file.text.length > 30_000
      )
        continue;
      check.report(write.start, "This changes the page only for users of certain countries or languages.", {
        end: write.end,
      });
    }
    for (const call of callsInto(check.facts, "write")) {
      if (
        (call.when.guards & victim) === 0 ||
        !textsOf(call.args[1]).some((text) => text.length > 0) ||
        check.file.text.length > 30_000
      )
        continue;
      check.report(call.start, "This writes files only for users of certain countries or languages.", {
        severity: "high",
        end: call.end,
      });
    }
  },
};
