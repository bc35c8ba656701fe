import type { Rule } from "../rule.ts";

const FAR = /[^\s\u00A0][;,{})]?[ \t\u00A0\u2000-\u200A\u3000]{150,}(?=[^\s])/u;
const INDENTED = /(?:^|\n)[ \t\u00A0\u3000]{300,}(?=[^\s])/u;

export const hidesOffScreen: Rule = {
  id: "hides-off-screen",
  class: "hidden-text",
  severity: "high",
  finds: "Code pushed out of sight by long runs of blanks or empty lines, or behind unusual line ends.",
  remedy: "Format the file.",
  text(check) {
    const { language, text } = check.file;
    if (
      language !== "javascript" &&
      language !== "typescript" &&
      language !== "jsx" &&
      language !== "tsx" &&
      language !== "python" &&
      language !== "shell" &&
      language !== "html" &&
      language !== "json" &&
      language !== "yaml" &&
      language !== "css"
    )
      return;
    for (const pattern of [FAR, INDENTED]) {
      const found = longBlank(text) ? pattern.exec(text) : null;
      if (found === null) continue;
      const at = found.index + found[0].length;
      const rest = text.slice(at, at + 80);
      const lineStart = text.lastIndexOf("\n", found.index) + 1;
      const before = text.slice(lineStart, found.index + 1);
      const isInText = (before.match(/(?<!\\)["'`]/gu)?.length ?? 0) % 2 === 1;
      // Trailing comments and table columns are aligned; code is not.
      if (isInText || /^(?:\/\/|\*|#|\\n|\|)/u.test(rest)) continue;
      check.report(at, "Code stands far to the right here, where no editor window shows it.", {
        severity: language === "json" || language === "yaml" ? "medium" : "high",
      });
      return;
    }
    const gap = afterEmptyLines(text);
    if (gap >= 0 && /[\w$(]/u.test(text.charAt(gap)))
      check.report(gap, "Code stands below more than a hundred empty lines, where nobody scrolls.", {
        severity: "medium",
      });
    const lineEnd = /\/\/[^\n\u2028\u2029]{0,200}[\u2028\u2029]\s*[\w$(]/u.exec(text);
    if (lineEnd !== null)
      check.report(lineEnd.index, "An unusual line end inside a comment makes the rest of it code.", {});
    const carriage = /\/\/[^\r\n]{0,200}\r(?!\n)\s*[\w$(]/u.exec(text);
    if (carriage !== null && text.includes("\n"))
      check.report(carriage.index, "A lone carriage return inside a comment makes the rest of it code.", {
        severity: "medium",
      });
    const control = /[\b\u001B](?:\[[0-9;]*[A-Za-z])?/u.exec(text);
    if (
      control !== null &&
      /(?:\u001B\[[0-9;]*[A-HJKST]|[\b]{2,})/u.test(text.slice(control.index, control.index + 40))
    )
      check.report(control.index, "Terminal control characters stand here that hide text when the file is printed.", {
        severity: "medium",
      });
  },
};

/** Whether any line has a blank run at all, found without backtracking. */
function longBlank(text: string): boolean {
  let run = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 32 || code === 9 || code === 0xa0 || code === 0x3000 || (code >= 0x2000 && code <= 0x200a)) {
      run += 1;
      if (run >= 150) return true;
    } else run = 0;
  }
  return false;
}

/** Offset of the first text that follows 120 empty lines, or -1. */
function afterEmptyLines(text: string): number {
  let lines = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 10) lines += 1;
    else if (code !== 32 && code !== 9 && code !== 13) {
      if (lines > 120 && lines < index) return index;
      lines = 0;
    }
  }
  return -1;
}
