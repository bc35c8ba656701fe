import type { Rule } from "../rule.ts";

const RUN =
  /(?:[\uFE00-\uFE0F]|\u{E0100}|[\u{E0101}-\u{E01EF}]|[\u{E0000}-\u{E007F}]|[\u200B-\u200F\u2060-\u2064\u180E\uFEFF]|[\uE000-\uF8FF]|[\u{F0000}-\u{10FFFD}]|[\u3164\u115F\u1160\uFFA0\u2800]){6,}/u;
/** Letters that show as nothing and may stand in names. */
const EMPTY_NAME = /[\u3164\uFFA0\u115F\u1160]/u;

/** Whether other letters than ASCII stand all around: a table of characters, or a text in another script. */
export function isTable(text: string, at: number): boolean {
  const around = text.slice(Math.max(0, at - 40), at + 40);
  return (
    (around.match(/[^\x00-\x7f\u200B-\u200F\u202A-\u202E\u2060-\u2069\u3164\uFFA0\u115F\u1160]/gu)?.length ?? 0) >= 12
  );
}

export const hidesCharacters: Rule = {
  id: "hides-characters",
  class: "hidden-text",
  severity: "high",
  finds:
    "Runs of invisible, private-use or variation characters, in which a payload can hide, and letters that show as nothing.",
  remedy: "Remove them.",
  text(check) {
    const { language, text } = check.file;
    if (language === "binary" || language === "media" || language === "wasm") return;
    const run = RUN.exec(text);
    if (run !== null) {
      const icons = language === "css" || (language === "json" && /[\uE000-\uF8FF]/u.test(run[0]));
      check.report(
        run.index,
        `${Array.from(run[0]).length} characters here show as nothing; a payload can hide in them.`,
        {
          severity: icons ? "low" : "high",
        },
      );
    }
    const empty = EMPTY_NAME.exec(text);
    if (empty !== null && language !== "markdown" && language !== "text") {
      // In Korean texts a filler stands between other Korean letters.
      const around = text.slice(Math.max(0, empty.index - 2), empty.index + 3);
      const isKorean = /[\uAC00-\uD7AF\u1100-\u115E\u3131-\u3163]/u.test(around);
      const isClass = /[[\]\\-]/u.test(around) && text.length > 4000;
      if (!isKorean && !isClass && !isTable(text, empty.index))
        check.report(empty.index, "A letter that shows as nothing stands here; it can be a name that nobody sees.", {});
    }
    // Tags (plane 14) spell ASCII invisibly: two are enough for a message.
    const tags = /[\u{E0020}-\u{E007E}]{3,}/u.exec(text);
    if (tags !== null && !/\u{1F3F4}/u.test(text.slice(Math.max(0, tags.index - 2), tags.index)))
      check.report(tags.index, "Invisible tag characters spell a hidden message.", {});
    const zero = /(?:[\u200B-\u200D\u2060\uFEFF]\s?){8,}/u.exec(text);
    if (zero !== null && run === null)
      check.report(zero.index, "A run of characters without width stands here; a payload can hide in it.", {});
  },
};
