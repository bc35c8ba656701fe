import type { Rule } from "../rule.ts";

/** Letters of other alphabets that look like Latin ones. */
const LOOKALIKE =
  /[\u0430\u0435\u043E\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04BB\u0475\u051B\u051D\u0405\u0406\u0408\u0410\u0412\u0415\u041A\u041C\u041D\u041E\u0420\u0421\u0422\u0425\u0391\u0392\u0395\u0396\u0397\u0399\u039A\u039C\u039D\u039F\u03A1\u03A4\u03A5\u03A7\u03BF\u03B9\u0578\u0585\u057D\u0561\u0131\u0261\u0251]/gu;
/** Longest part of a word on either side that is looked at. */
const REACH = 40;

export const mixesAlphabets: Rule = {
  id: "mixes-alphabets",
  class: "hidden-text",
  severity: "high",
  finds: "Words that mix Latin letters with lookalikes from other alphabets, in names, addresses and code.",
  remedy: "Write the word in one alphabet.",
  text(check) {
    const { language, text } = check.file;
    if (language === "binary" || language === "media" || language === "wasm") return;
    const isProse = language === "markdown" || language === "text";
    let count = 0;
    let last = -1;
    for (const found of text.matchAll(LOOKALIKE)) {
      if (found.index <= last) continue;
      const word = wordAround(text, found.index);
      last = word.end;
      if (!isMixed(word.text)) continue;
      count += 1;
      if (count > 3) return;
      check.report(
        word.start,
        `The word ${JSON.stringify(word.text.slice(0, 40))} mixes letters of different alphabets that look alike.`,
        {
          severity: isProse ? "low" : "high",
          confidence: text.length > 100_000 ? "low" : "high",
        },
      );
    }
  },
  syntax(check) {
    for (const load of check.facts.loads) {
      const name = load.specifier.shape ?? "";
      if (!load.specifier.isConstant || name.length > 100 || name.match(LOOKALIKE) === null || !/[a-z]/iu.test(name))
        continue;
      check.report(load.start, `The module name ${JSON.stringify(name)} has letters of another alphabet in it.`, {
        end: load.end,
      });
    }
  },
};

function wordAround(text: string, at: number): { readonly start: number; readonly end: number; readonly text: string } {
  let start = at;
  let end = at + 1;
  while (start > 0 && at - start < REACH && /[\p{L}\p{N}_$]/u.test(text.charAt(start - 1))) start -= 1;
  while (end < text.length && end - at < REACH && /[\p{L}\p{N}_$]/u.test(text.charAt(end))) end += 1;
  return { start, end, text: text.slice(start, end) };
}

/** At least two Latin letters, and besides them nothing but lookalikes: no honest word is written so. */
function isMixed(word: string): boolean {
  const latin = word.match(/[A-Za-z]/gu)?.length ?? 0;
  const foreign = Array.from(word).filter((letter) => /\p{L}/u.test(letter) && !/[A-Za-z]/u.test(letter));
  return (
    latin >= 2 &&
    foreign.length > 0 &&
    latin >= foreign.length &&
    foreign.every((letter) => letter.match(LOOKALIKE) !== null)
  );
}
