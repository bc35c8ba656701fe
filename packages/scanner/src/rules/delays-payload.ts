import type { Rule } from "../rule.ts";
import { payloadsOf, testsAround } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";

const MINUTE = 60_000;
/** A date, or a comparison with one, written into the code. */
const FIXED_DATE =
  /new Date\(\s*["'`\d]|Date\.(?:UTC|parse)\(\s*["'`\d]|\b1[5-9]\d{8}(?:\d{3})?\b|\b1[5-9](?:_\d{3}){3}\b|\b[12]\d?(?:\.\d+)?e1[12]\b|get(?:UTC)?(?:FullYear|Month|Date|Day|Hours)\(\)|\b20[2-4]\d\b/u;

export const delaysPayload: Rule = {
  id: "delays-payload",
  class: "evasion",
  severity: "high",
  finds:
    "Commands, downloads or deletions that wait for minutes, for a date, for chance or for a number of starts, until nobody is looking any more.",
  remedy: "Do the work when the user asks for it.",
  syntax(check) {
    const fixedDateNear = FIXED_DATE.test(check.file.text.slice(0, 20_000)) && check.file.text.length < 20_000;
    for (const payload of payloadsOf(check)) {
      const { when } = payload;
      if (when.delayMs >= MINUTE) {
        const minutes = Math.round(when.delayMs / MINUTE);
        const isPlain = payload.what.startsWith("contacts") || payload.what.startsWith("overwrites");
        check.report(
          payload.start,
          `This ${payload.what}, but only ${minutes} minute${minutes === 1 ? "" : "s"} later, when nobody connects it with the start.`,
          {
            severity: payload.isGrave ? "high" : "medium",
            confidence: isPlain
              ? check.file.text.length < 1500 && when.delayMs >= 5 * MINUTE
                ? "high"
                : "low"
              : "high",
            end: payload.end,
          },
        );
        continue;
      }
      const tests = testsAround(check, when);
      const isDate = (when.guards & tag.clock) !== 0 && (FIXED_DATE.test(tests) || fixedDateNear);
      const isChance = (when.guards & tag.random) !== 0;
      const isCount =
        /\b(?:count|runs?|launch\w*|starts?|times|counter|uses|opens|visits|n)\b[^&|]{0,40}(?:[<>]=?|===?|%)\s*\d/iu.test(
          tests,
        ) || /(?:[<>]=?|%)\s*\d+\b[^&|]{0,20}(?:count|runs|launch)/iu.test(tests);
      const isIdle = /mtime|birthtime|uptime|ctime/iu.test(tests);
      if (!isDate && !isChance && !isCount && !isIdle) continue;
      const isMild = payload.what.startsWith("contacts") || payload.what.startsWith("overwrites");
      if ((isCount || isIdle || isChance) && !isDate && !payload.isGrave && (isMild || check.file.text.length > 3000))
        continue;
      if (isMild && check.file.text.length > 3000) continue;
      const why = isDate
        ? "from a certain date on"
        : isChance
          ? "by chance"
          : isIdle
            ? "once it has been there for some time"
            : "after a number of starts";
      check.report(payload.start, `This ${payload.what}, but only ${why}.`, {
        severity: payload.isGrave || isDate ? "high" : "medium",
        confidence: isMild && !isDate ? "low" : "high",
        end: payload.end,
      });
    }
    for (const call of check.facts.calls) {
      if (!/^(?:node-cron|cron|node-schedule)\.(?:schedule|CronJob|scheduleJob)$/u.test(call.ref)) continue;
      const inside = payloadsOf(check).some(
        (payload) => payload.start > call.start && payload.end <= call.end && payload.isGrave,
      );
      if (inside) check.report(call.start, "This runs code from text on a schedule.", { end: call.end });
    }
  },
};
