import type { Rule } from "../rule.ts";
import { callsInto, commandTopics } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

const PATTERNS = [
  /AKIA/u,
  /gh(?:[pousr]|\[[pousr]{1,5}\])_/u,
  /github_pat_/u,
  /npm_\[?[A-Za-z]/u,
  /xox(?:[baprs]|\[[a-z]{1,6}\])/u,
  /sk_live|sk-[[\]\\w]/u,
  /BEGIN[^"'/]{0,30}PRIVATE KEY/u,
  /AIza/u,
  /glpat-/u,
  /eyJ[[\\hA]/u,
];

export const searchesForSecrets: Rule = {
  id: "searches-for-secrets",
  class: "supply-chain",
  severity: "high",
  finds: "Running tools that search a machine for secrets, or searching its files for the patterns of keys and tokens.",
  remedy: "Remove it; a plugin has no business looking for secrets.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      const topics = commandTopics(call);
      if ((topics & topic.scannerTool) !== 0)
        check.report(call.start, "This runs a tool that searches the machine for secrets.", { end: call.end });
      else if (
        /\b(?:grep|rg|ag|find|findstr|Select-String)\b.*(?:password|secret|token|api[_-]?key|AKIA|BEGIN|\.env|id_rsa|\.pem|wallet|mnemonic)/iu.test(
          check.source(call.start, call.end),
        )
      ) {
        check.report(call.start, "This command searches the machine's files for secrets.", { end: call.end });
      }
    }
    for (const transfer of check.transfers) {
      if ((topicsOf(transfer.url) & topic.scannerTool) !== 0)
        check.report(transfer.start, "This downloads a tool that searches machines for secrets.", {
          end: transfer.end,
        });
    }
    const text = check.file.text.slice(0, 200_000);
    const count = PATTERNS.filter((pattern) => pattern.test(text)).length;
    if (count < 2) return;
    const readsFiles = check.facts.calls.some(
      (call) => (call.result.tags & (tag.file | tag.listing | tag.environment | tag.credential)) !== 0,
    );
    const sends = check.transfers.find(
      (transfer) => transfer.isFixed || (transfer.tags & (tag.file | tag.credential)) !== 0,
    );
    if (readsFiles && sends !== undefined)
      check.report(sends.start, "This searches files for the patterns of keys and tokens and sends data away.", {
        end: sends.end,
      });
  },
};
