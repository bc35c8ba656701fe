import type { Rule } from "../rule.ts";
import { describeTags, PRIVATE, tag } from "../syntax/tags.ts";

const GRAVE = tag.environment | tag.credential | tag.keystroke | tag.wallet;
/** Ordinary pages send these to their own server; only a fixed address makes it suspicious. */
const PAGE = tag.browser | tag.form;

export const exfiltratesPrivateData: Rule = {
  id: "exfiltrates-private-data",
  class: "exfiltration",
  severity: "high",
  finds:
    "Environment variables, credentials, secrets, browser data, clipboard, key strokes or form input that reach a network call.",
  remedy: "Remove the transfer, or ask for the data through the host and name in the manifest where it may go.",
  syntax(check) {
    for (const transfer of check.transfers) {
      const tags = transfer.tags & PRIVATE;
      if (tags === 0) continue;
      const isSetting = transfer.kind === "name" && tags === tag.environment && !/[a-z]/iu.test(transfer.url ?? "");
      if (isSetting) continue;
      const isPageOnly = (tags & ~PAGE) === 0;
      if (isPageOnly && !transfer.isFixed) continue;
      if (transfer.kind === "window" && (tags & GRAVE) === 0 && !transfer.isFixed) continue;
      const where = transfer.from >= 0 ? ` (read on line ${check.file.positionOf(transfer.from).line})` : "";
      const target = transfer.url === undefined ? "" : ` to ${JSON.stringify(transfer.url.slice(0, 60))}`;
      check.report(transfer.start, `This sends ${describeTags(tags)}${where}${target} by ${transfer.how}.`, {
        severity: (tags & GRAVE) !== 0 ? "critical" : "high",
        end: transfer.end,
      });
    }
  },
};
