import type { Rule } from "../rule.ts";
import { CONCEALED, made } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

const TELLING =
  topic.credentialPath |
  topic.walletPath |
  topic.browserPath |
  topic.autostartPath |
  topic.pipelinePath |
  topic.hookPath |
  topic.metadataUrl |
  topic.absoluteUrl |
  topic.dropUrl |
  topic.mining |
  topic.downloads |
  topic.interprets |
  topic.reverseShell |
  topic.destroys |
  topic.escapes |
  topic.autostartCommand |
  topic.publishes;

/** Topics that name a place. */
const PLACES =
  topic.credentialPath |
  topic.walletPath |
  topic.browserPath |
  topic.autostartPath |
  topic.pipelinePath |
  topic.hookPath |
  topic.metadataUrl |
  topic.absoluteUrl |
  topic.dropUrl;

const ENCODED = CONCEALED & ~(made.join | made.slice | made.percent);

export const hidesConstants: Rule = {
  id: "hides-constants",
  class: "obfuscation",
  severity: "high",
  finds: "Addresses, paths, commands or code that are written encoded and decoded at run time.",
  remedy: "Write the constant plainly.",
  syntax(check) {
    for (const { start, end, value } of check.facts.concealed) {
      const text = value.shape ?? "";
      if (text.length < 4 || text.length > 20_000) continue;
      // Paths and addresses are written without quotes and brackets; what has some is markup or a selector.
      const topics = topicsOf(text) & (/["'<>[\]]/u.test(text) ? TELLING & ~PLACES : TELLING);
      const isName =
        /^(?:eval|Function|require|process|child_process|constructor|fromCharCode|execSync|exec|mainModule|globalThis|atob|fetch|XMLHttpRequest)$/u.test(
          text,
        );
      const isCode =
        /\b(?:eval|require|Function|child_process|process\.env|fetch|XMLHttpRequest|document\.cookie)\s*[(.]|=>|\bfunction\b.*\(/u.test(
          text,
        );
      const isEncoded = (value.made & ENCODED) !== 0;
      if (isEncoded && (topics !== 0 || isName || isCode)) {
        const isOnlyUrl =
          topics === topic.absoluteUrl &&
          (value.made & (made.base64 | made.hex | made.charCode | made.reverse | made.cipher)) === 0;
        check.report(start, `This hides ${JSON.stringify(text.slice(0, 80))} by encoding it.`, {
          severity: isOnlyUrl ? "medium" : "high",
          end,
        });
      } else if (
        !isEncoded &&
        (value.made & made.join) !== 0 &&
        (topics & ~topic.absoluteUrl) !== 0 &&
        text.length < 200 &&
        !/\s{2}|\n/u.test(text)
      ) {
        check.report(start, `This puts ${JSON.stringify(text.slice(0, 80))} together from pieces.`, {
          severity: "medium",
          end,
        });
      }
    }
  },
};
