import type { Rule } from "../rule.ts";
import { tag } from "../syntax/tags.ts";

export const runsCodeHiddenInMedia: Rule = {
  id: "runs-code-hidden-in-media",
  class: "code-execution",
  severity: "critical",
  finds: "Code or commands taken out of an image, sound, font or other data file.",
  remedy: "Ship code as code.",
  syntax(check) {
    for (const compilation of check.compilations) {
      if ((compilation.tags & tag.media) === 0) continue;
      check.report(compilation.start, "This runs code that was hidden in an image, sound or font.", {
        end: compilation.end,
      });
    }
    for (const call of check.facts.calls) {
      if (
        !/^child_process\.|^execa|^Bun\.spawn/u.test(call.ref) ||
        !call.args.some((arg) => (arg.tags & tag.media) !== 0)
      )
        continue;
      check.report(call.start, "This runs a command that was hidden in an image, sound or font.", { end: call.end });
    }
    for (const call of check.facts.calls) {
      const decodes = call.ref === "String.fromCharCode" || call.ref === "String.fromCodePoint";
      if (decodes && call.args.some((arg) => (arg.tags & tag.media) !== 0)) {
        check.report(call.start, "This reads letters out of an image's or sound's data, where no text belongs.", {
          severity: "high",
          end: call.end,
        });
      }
    }
    for (const transfer of check.transfers) {
      if ((transfer.tags & tag.media) === 0 || (transfer.tags & tag.decoded) === 0) continue;
      check.report(transfer.start, "An address or message used here was hidden in an image, sound or font.", {
        severity: "high",
        end: transfer.end,
      });
    }
  },
};
