import type { Rule } from "../rule.ts";
import { topic, topicsOf } from "../syntax/topics.ts";
import { commandTopics, topicsOfValue } from "../syntax/queries.ts";
import { effectOf } from "../syntax/effects.ts";

export const contactsCloudMetadata: Rule = {
  id: "contacts-cloud-metadata",
  class: "exfiltration",
  severity: "high",
  finds: "A request to the address where a cloud machine's credentials are handed out.",
  remedy: "Remove it: a plugin has no reason to ask for the machine's own identity.",
  syntax(check) {
    for (const transfer of check.transfers) {
      if ((topicsOf(transfer.url) & topic.metadataUrl) === 0) continue;
      check.report(
        transfer.start,
        `This asks the cloud's metadata service for the machine's credentials (${JSON.stringify((transfer.url ?? "").slice(0, 60))}).`,
        { end: transfer.end },
      );
    }
    for (const call of check.facts.calls) {
      const sink = effectOf(call.ref)?.sink;
      const topics =
        sink === "run"
          ? commandTopics(call)
          : sink === "send"
            ? call.args.reduce((sum, arg) => sum | topicsOfValue(arg), 0)
            : 0;
      if ((topics & topic.metadataUrl) === 0) continue;
      check.report(call.start, "This asks the cloud's metadata service for the machine's credentials.", {
        end: call.end,
      });
    }
  },
};
