import type { Rule } from "../rule.ts";
import { describeTags, tag } from "../syntax/tags.ts";

const DETAILS = tag.identity | tag.output | tag.listing | tag.file | tag.self | tag.home;

export const exfiltratesMachineDetails: Rule = {
  id: "exfiltrates-machine-details",
  class: "exfiltration",
  severity: "medium",
  finds: "Host name, user name, network addresses, files or command output that reach a fixed address.",
  remedy: "Send nothing about the machine, or make it an option that the user turns on.",
  syntax(check) {
    for (const transfer of check.transfers) {
      const tags = transfer.tags & DETAILS;
      if (tags === 0 || !transfer.isFixed || transfer.kind === "name" || transfer.url === undefined) continue;
      if (transfer.kind === "command" && (tags & ~tag.home) === 0) continue;
      if (tags === tag.home) continue;
      const isMuch =
        (tags & (tag.output | tag.listing)) !== 0 ||
        ((tags & tag.identity) !== 0 && (tags & (tag.file | tag.home)) !== 0);
      check.report(
        transfer.start,
        `This sends ${describeTags(tags)} to ${JSON.stringify(transfer.url.slice(0, 60))} by ${transfer.how}.`,
        {
          severity: isMuch ? "high" : "medium",
          end: transfer.end,
        },
      );
    }
  },
};
