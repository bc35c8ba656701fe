import type { Rule } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { commandTopics, textsOf, topicsOfValue } from "../syntax/queries.ts";
import { describeTags, tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

const PATHS = topic.credentialPath | topic.walletPath | topic.browserPath;

/** Characters within which reading and sending belong together. */
const NEAR = 6000;

export const readsCredentialFiles: Rule = {
  id: "reads-credential-files",
  class: "exfiltration",
  severity: "high",
  finds: "Reading, copying or listing files that hold credentials, keys, wallets or browser profiles.",
  remedy: "A plugin gets credentials from the host's secret service, never from other programs' files.",
  syntax(check) {
    for (const call of check.facts.calls) {
      if (!readsFile(call.ref)) continue;
      const path = call.args[0];
      const topics = topicsOfValue(path) & PATHS;
      if (topics === 0) continue;
      const probes = /(?:exists|access|stat)/u.test(call.ref);
      const name = textsOf(path).find((text) => text !== "") ?? "";
      const isEnv =
        topics === topic.credentialPath &&
        name !== "" &&
        textsOf(path).every(
          (text) => (topicsOf(text) & PATHS) === 0 || /(?:^|[/\\\uFFFC])\.env[^/]*$|\.npmrc$|package/u.test(text),
        );
      // A program that sends nothing anywhere near has no use for them but its own.
      const canSend = check.transfers.some(
        (transfer) => transfer.kind !== "element" && Math.abs(transfer.start - call.start) < NEAR,
      );
      const reachesSend = check.transfers.some((transfer) => (transfer.tags & (tag.credential | tag.browser)) !== 0);
      const isPublic = name === "/etc/passwd";
      const isSmall = check.file.text.length < NEAR;
      const what =
        (topics & topic.walletPath) !== 0
          ? "a wallet"
          : (topics & topic.browserPath) !== 0
            ? "a browser profile"
            : "credentials";
      check.report(
        call.start,
        `This ${probes ? "looks for" : "reads"} ${what}: ${JSON.stringify(name.replaceAll("\uFFFC", "…").slice(0, 80))}.`,
        {
          severity: reachesSend ? "critical" : isEnv || probes ? "medium" : canSend ? "high" : "medium",
          confidence:
            isEnv || (isPublic && !canSend)
              ? "low"
              : probes || !(canSend || reachesSend || isSmall)
                ? "medium"
                : "high",
          end: call.end,
        },
      );
    }
    for (const call of check.facts.calls) {
      if (effectOf(call.ref)?.sink !== "run") continue;
      const topics = commandTopics(call);
      const isKeychain = call.args.some((arg) =>
        /security\s+(?:find|dump|export)|find-(?:generic|internet)-password|secret-tool|cmdkey|vaultcmd|gh auth token|gcloud auth print|aws configure get|npm config get .*token|git credential|pass show|op (?:read|item)|kwallet|dump-keychain|\bprintenv\b|\bhistory\b.*\|/iu.test(
          [...textsOf(arg), ...(arg.items ?? []).flatMap(textsOf)].join(" "),
        ),
      );
      if ((topics & (topic.credentialPath | topic.walletPath)) === 0 && !isKeychain) continue;
      check.report(
        call.start,
        `This command reads credentials: ${check.source(call.start, Math.min(call.end, call.start + 120))}.`,
        { severity: "high", end: call.end },
      );
    }
    for (const call of check.facts.calls) {
      const tags = call.result.tags & tag.secret;
      if (tags === 0 || !/^(?:keytar|@primno|win-dpapi|safeStorage|electron\.safeStorage)/u.test(call.ref)) continue;
      if (!check.transfers.some((transfer) => (transfer.tags & tag.secret) !== 0)) continue;
      check.report(call.start, `This reads ${describeTags(tags)} that the file later sends away.`, { end: call.end });
    }
  },
};

const readsFile = (ref: string): boolean =>
  /^(?:fs|Deno|Bun|\?\.fs|vscode\.workspace\.fs)\.\w*(?:[rR]ead|[oO]pen|[cC]opy|cp|[eE]xists|[aA]ccess|[sS]tat|file|[lL]ink|rename)\w*$/u.test(
    ref,
  ) ||
  /^(?:#archive\.(?:directory|file|glob|addLocalFile|addLocalFolder)|glob|globby|fast-glob|globby\.\w+|glob\.\w+|fast-glob\.\w+|sqlite3\.Database|better-sqlite3|level|leveldown|node:sqlite\.DatabaseSync|sqlite\.DatabaseSync|extract-zip|archiver|adm-zip)$/u.test(
    ref,
  );
