import type { Rule } from "../rule.ts";
import { capabilityUses } from "../package/capabilities.ts";

export const usesCapability: Rule = {
  id: "uses-capability",
  class: "capability",
  severity: "info",
  finds: "Which powers the code uses: network, files, programs, environment. By itself no reproach.",
  remedy: "Declare the permission in the manifest.",
  syntax(check) {
    const seen = new Set<string>();
    for (const use of capabilityUses(check.file.path, check.facts)) {
      if (seen.has(use.capability)) continue;
      seen.add(use.capability);
      check.report(use.start, `This uses ${use.capability} through ${use.through}.`, {});
    }
    const [compilation] = check.compilations;
    if (compilation !== undefined)
      check.report(compilation.start, `This runs text as code by ${compilation.how}.`, { end: compilation.end });
  },
};
