import type { Rule, SyntaxCheck } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { callsInto, commandTopics, textsOf, writtenContent, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";
import { deepTags, HOLE } from "../syntax/value.ts";

/** Places whose loss is a catastrophe; `HOLE` alone with the home tag is the home folder itself. */
const BROAD =
  /^(?:\/|~|[A-Za-z]:[/\\]{0,2}|\/(?:home|Users|etc|usr|var|root|boot|opt|bin|lib|mnt|srv)(?:\/\*?)?|\*|\.\.?(?:[/\\])?|\/\*|[/\\])$/u;

export const destroysData: Rule = {
  id: "destroys-data",
  class: "abuse",
  severity: "critical",
  finds: "Deleting, overwriting or encrypting the user's files.",
  remedy: "Touch only the plugin's own storage.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      if ((commandTopics(call) & topic.destroys) === 0) continue;
      const text = commandOf(call.args);
      const isVague =
        /rm\s+-[a-z]+\s+["']?\uFFFC/u.test(text) &&
        !/\/|~|\*|\$HOME/u.test(text.replace(/^.*?rm\s+-[a-z]+\s+["']?\uFFFC/u, ""));
      check.report(call.start, "This command deletes or overwrites files far and wide.", {
        severity: isVague ? "low" : "critical",
        end: call.end,
      });
    }
    for (const call of callsInto(check.facts, "remove")) {
      const [path] = call.args;
      const texts = textsOf(path);
      const isHome =
        path !== undefined &&
        (path.tags & tag.home) !== 0 &&
        (path.shape === undefined ||
          texts.some((text) =>
            /^\uFFFC(?:[/\\](?:Documents|Desktop|Pictures|Downloads|Library|projects?|\*|\.{1,2}|\uFFFC)?)?[/\\]?$/iu.test(
              text,
            ),
          ));
      const isBroad =
        texts.some((text) => BROAD.test(text)) ||
        /process\.cwd\(\)\s*[,)]|os\.homedir\(\)\s*[,)]/u.test(check.source(call.start, call.end));
      const isListed =
        path !== undefined &&
        (path.tags & tag.listing) !== 0 &&
        ((path.tags & tag.home) !== 0 || listsBroadly(check)) &&
        check.file.text.length < 20_000;
      if (isHome || isBroad || isListed)
        check.report(call.start, "This deletes the user's files.", {
          severity: isListed && !isHome ? "high" : "critical",
          end: call.end,
        });
    }
    for (const call of callsInto(check.facts, "write")) {
      const path = writtenPath(call);
      const content = writtenContent(call);
      if (path === undefined || content === undefined || /(?:copy|link|cp|move)/u.test(call.ref)) continue;
      const isListed = (path.tags & tag.listing) !== 0;
      const isWalk =
        isListed ||
        (call.when.fn !== undefined &&
          /readdir/u.test(check.file.text) &&
          path.shape !== undefined &&
          path.shape.endsWith(`/${HOLE}`));
      const tags = deepTags(content);
      const isConstant =
        content.isConstant ||
        (content.tags === 0 && content.shape !== undefined && !content.shape.includes(HOLE)) ||
        /randomBytes|Buffer\.alloc/u.test(check.source(call.start, call.end));
      const encrypts =
        /createCipheriv|subtle\.encrypt|publicEncrypt|AES\.encrypt/u.test(check.file.text) &&
        (tags & (tag.file | tag.encoded)) !== 0;
      if ((isListed || isWalk) && (isConstant || encrypts) && !/\.(?:d\.ts|map)/u.test(path.shape ?? "")) {
        const isOwn = !isListed && !encrypts;
        check.report(
          call.start,
          encrypts
            ? "This encrypts the user's files one after the other."
            : "This overwrites files one after the other with fixed content.",
          { severity: isOwn ? "medium" : "critical", confidence: isOwn ? "low" : "high", end: call.end },
        );
      } else if (/Desktop|Documents|OneDrive/u.test(path.shape ?? "") && (path.tags & tag.home) !== 0) {
        check.report(call.start, "This leaves a file among the user's documents.", {
          severity: "medium",
          end: call.end,
        });
      }
    }
  },
};

/** Whether some folder that is listed is the user's or the working one; a folder from a caller is the caller's. */
const listsBroadly = (check: SyntaxCheck): boolean =>
  check.facts.calls.some(
    (call) =>
      ((effectOf(call.ref)?.gives ?? 0) & tag.listing) !== 0 &&
      (textsOf(call.args[0]).some((text) => /^(?:\/|\.{1,2}\/?|~\/?)$/u.test(text)) ||
        ((call.args[0]?.tags ?? 0) & tag.home) !== 0 ||
        /homedir\(\)|cwd\(\)/u.test(check.source(call.start, call.end))),
  );
