import { isTable } from "./hides-characters.ts";
import type { Rule } from "../rule.ts";

const OVERRIDES = /[\u202A-\u202E\u2066-\u2069]/gu;

export const hidesDirection: Rule = {
  id: "hides-direction",
  class: "hidden-text",
  severity: "high",
  finds: "Marks that turn the direction of text, so that code reads differently from what it does (Trojan Source).",
  remedy: "Remove the marks; in texts for people write them as escapes.",
  text(check) {
    const { language, text } = check.file;
    if (language === "binary" || language === "media" || language === "wasm") return;
    let count = 0;
    let first = -1;
    for (const found of text.matchAll(OVERRIDES)) {
      if (first < 0 || (isTable(text, first) && !isTable(text, found.index))) first = found.index;
      count += 1;
      if (count > 1000) break;
    }
    if (count === 0) return;
    const isProse = language === "markdown" || language === "text" || language === "json" || isTable(text, first);
    check.report(
      first,
      `${count} invisible mark${count === 1 ? "" : "s"} here turn${count === 1 ? "s" : ""} the direction of the text: it does not do what it seems to say.`,
      { severity: isProse ? "low" : "high" },
    );
  },
};
