import type { Rule } from "../rule.ts";
import { tag } from "../syntax/tags.ts";

export const runsRemoteCode: Rule = {
  id: "runs-remote-code",
  class: "code-execution",
  severity: "critical",
  finds: "Code that arrives over the network, or from another window, and is run.",
  remedy: "Ship all code inside the package, where it is scanned and signed.",
  syntax(check) {
    for (const compilation of check.compilations) {
      if ((compilation.tags & tag.remote) === 0) continue;
      const from =
        compilation.code.at >= 0 ? ` (it arrives on line ${check.file.positionOf(compilation.code.at).line})` : "";
      const isMessage = compilation.when.event === "message";
      check.report(compilation.start, `Code from outside${from} is run here by ${compilation.how}.`, {
        severity: isMessage ? "high" : "critical",
        end: compilation.end,
      });
    }
  },
};
