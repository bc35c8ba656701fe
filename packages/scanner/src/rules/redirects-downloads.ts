import type { Rule } from "../rule.ts";
import { callsInto, textsOf, writtenContent, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";

/** Where package managers and Git look up whom to ask. */
const SETTINGS =
  /(?:^|[/\\\uFFFC])(?:\.npmrc|\.yarnrc(?:\.yml)?|\.pypirc|pip\.(?:conf|ini)|\.gitconfig|\.cargo[/\\]config(?:\.toml)?|\.bunfig\.toml)$/u;
const SERVER =
  /registry\s*[=:]|index-url|insteadOf|npmRegistryServer|proxy\s*=|replace-with|hooksPath|fsmonitor|sshCommand|core\.pager|\[alias\]/iu;
const COMMAND =
  /\b(?:npm|pnpm|yarn|bun)\s+config\s+set\s+(?:\S+:)?(?:registry|proxy|https-proxy|npmRegistryServer)\b|\bpip3?\s+config\s+set\s+\S*index-url|\bgit\s+config\b[^|;]*(?:insteadOf|http\.proxy)/iu;

export const redirectsDownloads: Rule = {
  id: "redirects-downloads",
  class: "persistence",
  severity: "high",
  finds: "Settings of package managers or Git that send later downloads to another server or start foreign programs.",
  remedy: "Leave the user's settings alone.",
  syntax(check) {
    for (const call of callsInto(check.facts, "write")) {
      const isSettings = textsOf(writtenPath(call)).some((path) => SETTINGS.test(path));
      if (isSettings && textsOf(writtenContent(call)).some((text) => SERVER.test(text.slice(0, 4000))))
        check.report(call.start, "This makes package managers or Git turn to another server or program.", {
          end: call.end,
        });
    }
    for (const call of callsInto(check.facts, "run"))
      if (COMMAND.test(commandOf(call.args)))
        check.report(call.start, "This command makes later downloads come from another server.", { end: call.end });
  },
};
