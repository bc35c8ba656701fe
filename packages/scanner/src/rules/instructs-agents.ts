import type { Rule } from "../rule.ts";

const ORDERS =
  /(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|every\s+|the\s+|your\s+|my\s+)*(?:previous|prior|above|earlier|preceding|existing|safety|system)\s+(?:instructions?|prompts?|rules?|messages?|context|guidelines?|directions?)|(?:do\s+not|don.t|never)\s+(?:tell|inform|mention|reveal|show|alert|notify|ask)\s+(?:[\w-]{1,20}\s+){0,4}(?:the\s+)?(?:user|human|developer|operator|owner)\b|without\s+(?:telling|informing|asking|notifying|alerting)\s+the\s+user|<\s*(?:IMPORTANT|SYSTEM|INSTRUCTIONS?|system_prompt|SYSTEM_OVERRIDE|hidden)\s*>|\[\s*(?:SYSTEM|INST)\s*\]|you\s+(?:are\s+now|must\s+now)\s+(?:in\s+)?(?:developer|admin|unrestricted|DAN|jailbr)|(?:before|after)\s+(?:using|calling|running)\s+(?:this|any|every)\s+(?:other\s+)?tool[^.]{0,80}(?:read|send|fetch|include|pass|cat|call)|(?:assistant|agent|LLM|AI|model)s?\s*[:,]\s*(?:please\s+)?(?:run|execute|send|read|upload|fetch|post)\b[^.\n]{0,80}(?:curl|\.env|\.ssh|id_rsa|secret|token|credential|key|https?:)/iu;

/** Orders to whoever reviews the package: leave something out, or answer in words that are given. */
const VERDICTS =
  /(?:do\s+not|don.t|never)\s+(?:report|flag|raise|list)\s+(?:any(?:thing)?\b|(?:this|these)\s+(?:package|plugin|file|code|finding)|findings|issues)|(?:respond|reply|answer)\s+(?:only\s+)?(?:with|by)\s+["'`\u201C](?:no\s+(?:issues?|findings?|problems?|threats?)|safe|clean|benign|approved?|lgtm)|(?:classify|mark|rate|label|treat)\s+(?:this|the)\s+(?:package|plugin|file|code)\s+as\s+(?:safe|clean|benign|approved|trusted|verified)/iu;

const QUOTES = /["'`\u201C\u201E\u00AB]/u;

/** A text about orders quotes one; the order stands between marks on one line. */
function isQuoted(text: string, start: number, end: number): boolean {
  const before = text[start - 1] ?? "";
  return QUOTES.test(before) && /^[^\n]{0,60}["'`\u201D\u201C\u00BB]/u.test(text.slice(end, end + 61));
}

export const instructsAgents: Rule = {
  id: "instructs-agents",
  class: "agents",
  severity: "medium",
  finds: "Texts that give orders to language models which read the package: prompt injection.",
  remedy: "Describe what the plugin does; give no orders to whoever reads it.",
  text(check) {
    const { language, text } = check.file;
    if (language === "binary" || language === "media" || language === "wasm") return;
    const isProse =
      language === "markdown" ||
      language === "text" ||
      language === "json" ||
      language === "yaml" ||
      language === "html";
    if (!isProse && text.length > 200_000) return;
    const head = text.length > 1_000_000 ? text.slice(0, 1_000_000) : text;
    const verdict = VERDICTS.exec(head);
    const found = ORDERS.exec(head) ?? verdict;
    if (found === null) return;
    const asks = /\.ssh|\.env|credential|token|secret|curl |https?:|password|wallet|exfil|api key|private key/iu.test(
      text.slice(Math.max(0, found.index - 600), found.index + 600),
    );
    check.report(found.index, "This text gives orders to a language model that reads it, behind the user's back.", {
      severity: asks ? "high" : "medium",
      confidence:
        !asks && isProse && isQuoted(text, found.index, found.index + found[0].length)
          ? "low"
          : isProse || asks || verdict !== null
            ? "high"
            : "medium",
    });
  },
};
