import type { Rule } from "../rule.ts";
import { tag } from "../syntax/tags.ts";

const OUTSIDE = tag.remote | tag.decoded | tag.hidden | tag.environment | tag.secretVariable | tag.variable | tag.media;

export const loadsComputedModule: Rule = {
  id: "loads-computed-module",
  class: "code-execution",
  severity: "high",
  finds: "A module whose name comes from the network, from decoding or from the environment.",
  remedy: "Name the modules that may be loaded, in a table.",
  syntax(check) {
    for (const load of check.facts.loads) {
      const tags = load.specifier.tags & OUTSIDE;
      if (load.isStatic || tags === 0 || load.specifier.ref === "#url") continue;
      if (load.specifier.isConstant && (tags & ~tag.decoded) === 0) continue;
      const isOnlyVariable = (tags & ~(tag.variable | tag.environment | tag.secretVariable)) === 0;
      check.report(
        load.start,
        isOnlyVariable
          ? "Which module is loaded here is decided by an environment variable."
          : "Which module is loaded here is decided by data that is decoded or comes from outside.",
        {
          severity: isOnlyVariable ? "medium" : "high",
          confidence: isOnlyVariable ? "low" : "high",
          end: load.end,
        },
      );
    }
  },
};
