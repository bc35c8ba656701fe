import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, textsOf, topicsOfValue, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";
import { deepTags } from "../syntax/value.ts";

export const publishesItself: Rule = {
  id: "publishes-itself",
  class: "supply-chain",
  severity: "critical",
  finds:
    "Publishing packages or pushing repositories with credentials found on the machine, or copying its own source elsewhere: the ways of a worm.",
  remedy: "Remove it; publishing is done by people.",
  syntax(check) {
    const { facts } = check;
    const runs = callsInto(facts, "run");
    const changesManifest = callsInto(facts, "write").some(
      (call) =>
        (topicsOfValue(writtenPath(call)) & topic.manifestPath) !== 0 ||
        /package\.json/u.test(check.source(call.start, call.end)),
    );
    const readsToken =
      facts.calls.some((call) => (call.result.tags & tag.credential) !== 0) ||
      facts.reads.some((read) => /NPM_TOKEN|NODE_AUTH_TOKEN|GITHUB_TOKEN|GH_TOKEN/u.test(read.ref)) ||
      /_authToken|\.npmrc|npm_[A-Za-z0-9]{6}/u.test(check.file.text.slice(0, 100_000));
    const injects = /(?:pre|post)install|scripts\b/u.test(check.file.text.slice(0, 100_000));
    for (const call of runs) {
      const text = commandOf(call.args);
      const publishes = (commandTopics(call) & topic.publishes) !== 0 && /\b(?:publish|upload|push)\b/u.test(text);
      const pushes = /\bgit\b.*\bpush\b|\bgh\s+repo\s+(?:create|fork)/u.test(text);
      const inLoop = call.when.loops > 0 || (call.when.fn?.args.length ?? 0) > 0;
      if (publishes) {
        const isSure = (changesManifest && injects) || readsToken;
        const isBare = check.file.text.length < 3000;
        check.report(
          call.start,
          `This publishes packages from the user's machine${isSure ? " after changing them or taking a token" : ""}.`,
          {
            severity: isSure ? "critical" : "high",
            confidence: isSure ? "high" : isBare ? "medium" : "low",
            end: call.end,
          },
        );
      } else if (/\bgit\s+remote\s+(?:add|set-url)\b.{0,200}\bgit\s+push\b/u.test(text)) {
        check.report(call.start, "This sends the repository to another place than its own.", {
          severity: "high",
          end: call.end,
        });
      } else if (/\bnpm\s+(?:owner\s+add|access\s+grant|token\s+create|adduser)\b/u.test(text)) {
        check.report(call.start, "This gives others rights on the user's packages.", { end: call.end });
      } else if (
        pushes &&
        (changesManifest ||
          readsToken ||
          facts.calls.some((other) => other.args.some((arg) => (arg.tags & tag.self) !== 0)))
      ) {
        check.report(call.start, "This pushes changes to repositories of the user.", {
          severity: "high",
          confidence: inLoop ? "high" : "medium",
          end: call.end,
        });
      }
    }
    for (const call of facts.calls) {
      if (/^(?:libnpmpublish|libnpmpublish\.publish|npm-registry-client|pacote\.publish)/u.test(call.ref))
        check.report(call.start, "This publishes a package from the user's machine.", {
          severity: "high",
          confidence: readsToken ? "high" : "medium",
          end: call.end,
        });
    }
    for (const transfer of check.transfers) {
      const isToken =
        (topicsOf(transfer.url) & topic.publishes) !== 0 ||
        /\/user\/repos\b|\/-\/(?:whoami|npm)/u.test(transfer.url ?? "");
      const puts = /method["']?\s*:\s*["'`]PUT/iu.test(check.source(transfer.start, transfer.end));
      const toRegistry = /registry\.[\w.-]+|\bnpm\b/iu.test(transfer.url ?? "");
      if (
        (isToken || (puts && toRegistry)) &&
        (readsToken || (transfer.tags & (tag.credential | tag.environment | tag.secretVariable)) !== 0)
      ) {
        check.report(transfer.start, "This uses a publishing token found on the machine.", {
          severity: puts ? "critical" : "high",
          end: transfer.end,
        });
      } else if (puts && toRegistry && /_attachments|dist-tags|versions/u.test(check.file.text)) {
        check.report(transfer.start, "This publishes a package from the user's machine.", {
          severity: "high",
          end: transfer.end,
        });
      }
    }
    for (const call of callsInto(facts, "write")) {
      const copiesSelf = call.args.slice(0, 2).some((arg) => (deepTags(arg) & tag.self) !== 0);
      const target = writtenPath(call);
      if (
        copiesSelf &&
        (target?.tags ?? 0) !== (tag.self | 0) &&
        !/\.(?:map|cache|bak)/u.test(textsOf(target).join())
      ) {
        check.report(call.start, "The program copies its own source to another place.", {
          severity: "high",
          end: call.end,
        });
      }
    }
  },
};
