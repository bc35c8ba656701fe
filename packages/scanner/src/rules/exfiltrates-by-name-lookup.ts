import type { Rule } from "../rule.ts";
import { describeTags, PRIVATE, tag } from "../syntax/tags.ts";
import { HOLE } from "../syntax/value.ts";

const DATA = PRIVATE | tag.identity | tag.file | tag.encoded | tag.output | tag.variable | tag.listing | tag.home;

/** A look-up of a name that the shell fills in. */
const SHELL_LOOKUP = /\b(?:nslookup|dig|host|ping|drill)\b[^|;&]*(?:\$\(|`|\$\{?[A-Za-z_]|%[A-Za-z_]+%)[^|;&]*\.[a-z]/u;

const SETTINGS = tag.environment | tag.variable;

export const exfiltratesByNameLookup: Rule = {
  id: "exfiltrates-by-name-lookup",
  class: "exfiltration",
  severity: "critical",
  finds: "Data put into a host name that is then looked up: whoever runs the domain's name server receives it.",
  remedy: "Look up fixed names only.",
  syntax(check) {
    for (const transfer of check.transfers) {
      const url = transfer.url ?? "";
      if (transfer.kind === "name") {
        const isBuilt = url.includes(HOLE) && /\uFFFC[^\uFFFC]*\.[a-z0-9-]+\.?[a-z]*$/iu.test(url);
        const name = url.slice(0, 60);
        // A whole name from the settings is where the user wants to go.
        const isSetting = !/[a-z]/iu.test(url) && (transfer.tags & DATA & ~SETTINGS) === 0;
        if (isSetting) continue;
        if ((transfer.tags & DATA) !== 0) {
          check.report(
            transfer.start,
            `The name looked up here carries ${describeTags(transfer.tags & DATA)}, which reaches the owner of that domain.`,
            { end: transfer.end },
          );
        } else if (isBuilt) {
          check.report(
            transfer.start,
            `The name looked up here (${JSON.stringify(name.replaceAll(HOLE, "…"))}) is put together from data and a fixed domain, a way to smuggle data out.`,
            {
              severity: "medium",
              end: transfer.end,
            },
          );
        }
      } else if (transfer.kind === "command" && SHELL_LOOKUP.test(url)) {
        check.report(transfer.start, "This command puts what another command says into a name that it looks up.", {
          end: transfer.end,
        });
      } else if (
        transfer.kind === "request" &&
        /^https?:\/\/[^/]*\uFFFC[^/]*\.[a-z]/iu.test(url) &&
        (transfer.tags & DATA & ~tag.variable) !== 0
      ) {
        check.report(transfer.start, `The host name of this request carries ${describeTags(transfer.tags & DATA)}.`, {
          severity: "high",
          end: transfer.end,
        });
      }
    }
  },
};
