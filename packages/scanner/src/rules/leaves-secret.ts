import type { Rule } from "../rule.ts";

const SECRETS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "a private key", pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s*\\?n?\s*[A-Za-z0-9+/=]{40,}/u },
  { what: "an AWS key", pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/u },
  { what: "a GitHub token", pattern: /\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}\b/u },
  { what: "an npm token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/u },
  { what: "a Slack token", pattern: /\bxox[baprs]-[0-9]{8,}-[A-Za-z0-9-]{20,}/u },
  { what: "a payment key", pattern: /\b[sr]k_live_[A-Za-z0-9]{20,}\b/u },
  { what: "a Google key", pattern: /\bAIza[A-Za-z0-9_-]{35}\b/u },
  { what: "a GitLab token", pattern: /\bglpat-[A-Za-z0-9_-]{20}\b/u },
];

export const leavesSecret: Rule = {
  id: "leaves-secret",
  class: "secrets",
  severity: "medium",
  finds: "Keys and tokens left in the package.",
  remedy: "Revoke the secret, then remove it: what was published is known.",
  text(check) {
    const { language, text } = check.file;
    if (language === "binary" || language === "media" || language === "wasm") return;
    for (const { what, pattern } of SECRETS) {
      const found = pattern.exec(text);
      if (found === null || /EXAMPLE|0000000|xxxx|1234567/iu.test(found[0])) continue;
      if (new Set(found[0]).size < 12) continue;
      check.report(found.index, `The file contains ${what}.`, {
        // A key among other text may belong to an example; a file that is a key is a key.
        confidence: what === "a private key" && text.trimStart().indexOf("-----BEGIN") !== 0 ? "medium" : "high",
      });
    }
  },
};
