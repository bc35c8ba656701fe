import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";

export const weakensTransport: Rule = {
  id: "weakens-transport",
  class: "tampering",
  severity: "high",
  finds: "Switching off, for the whole program, the check of whom an encrypted connection leads to.",
  remedy: "Trust the one certificate that is meant, for the one connection that needs it.",
  syntax(check) {
    for (const write of check.facts.writes) {
      const isOff = textsOf(write.value).some((text) => text === "0" || text === "false");
      const isGlobal =
        write.ref === "process.env.NODE_TLS_REJECT_UNAUTHORIZED" ||
        /^https?\.globalAgent\..*rejectUnauthorized$/u.test(write.ref ?? "");
      if (isOff && isGlobal)
        check.report(write.start, "From here on no connection of the program checks who answers it.", {
          end: write.end,
        });
    }
  },
};
