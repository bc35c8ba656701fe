import type { Rule } from "../rule.ts";
import { callsInto, payloadsOf, testsAround } from "../syntax/queries.ts";
import { describeTags, tag } from "../syntax/tags.ts";
import { deepTags } from "../syntax/value.ts";

const VICTIM = tag.identity | tag.locale;

export const dependsOnVictim: Rule = {
  id: "depends-on-victim",
  class: "evasion",
  severity: "high",
  finds:
    "Work that is done only for users of a certain language, place, name or machine, or that is unlocked by the machine's name.",
  remedy: "Do the same for everybody, or say openly what differs.",
  syntax(check) {
    for (const payload of payloadsOf(check)) {
      const guards = payload.when.guards & VICTIM;
      if (guards === 0) continue;
      const isBig = check.file.text.length > 30_000;
      check.report(payload.start, `This ${payload.what}, but only depending on ${describeTags(guards)}.`, {
        severity: payload.isGrave
          ? "high"
          : payload.what.startsWith("contacts") || payload.what.startsWith("overwrites")
            ? "medium"
            : "high",
        confidence: payload.isGrave ? "high" : isBig ? "low" : "high",
        end: payload.end,
      });
    }
    for (const payload of payloadsOf(check)) {
      if ((payload.when.guards & VICTIM) !== 0 || !(payload.isGrave || /deletes|runs a command/u.test(payload.what)))
        continue;
      const tests = testsAround(check, payload.when);
      if (
        /process\.env(?:\.|\[["'])(?:CI|GITHUB_\w+|GITLAB_\w+|JENKINS\w*|TRAVIS|CIRCLECI|TEAMCITY\w*|BUILDKITE|VERCEL|AWS_\w+|KUBERNETES\w*|CODESPACES)\b/u.test(
          tests,
        ) &&
        (payload.isGrave || /!\s*process\.env/u.test(tests))
      ) {
        const isBig = check.file.text.length > 6000 && !payload.isGrave;
        check.report(payload.start, `This ${payload.what}, depending on whether it runs in a build pipeline.`, {
          severity: payload.isGrave ? "high" : "medium",
          confidence: isBig ? "low" : "high",
          end: payload.end,
        });
      }
    }
    for (const call of check.facts.calls) {
      if (!/^crypto\.(?:createDecipher\w*|subtle\.(?:decrypt|importKey))$/u.test(call.ref)) continue;
      const key = call.args[1] === undefined ? 0 : deepTags(call.args[1]);
      if ((key & (VICTIM | tag.variable | tag.environment)) !== 0 && check.compilations.length > 0) {
        check.report(
          call.start,
          `This decrypts with a key made from ${describeTags(key & (VICTIM | tag.variable | tag.environment))}: the content opens only on the right machine.`,
          { end: call.end },
        );
      }
    }
    for (const condition of check.facts.conditions) {
      if ((condition.tags & tag.identity) === 0) continue;
      if (!/["'`][0-9a-f]{32,128}["'`]/u.test(check.source(condition.start, condition.end))) continue;
      check.report(condition.start, "This compares a hash of the machine's identity, to act on one machine alone.", {
        end: condition.end,
      });
    }
    for (const call of callsInto(check.facts, "code")) {
      const key = call.args.reduce((sum, arg) => sum | deepTags(arg), 0);
      if ((key & VICTIM) !== 0 && (key & tag.decoded) !== 0)
        check.report(call.start, "The code run here is unlocked by the machine or user it runs on.", { end: call.end });
    }
  },
};
