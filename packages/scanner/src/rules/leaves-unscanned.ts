import type { Rule } from "../rule.ts";
import { looksBinary } from "../source-file.ts";

export const leavesUnscanned: Rule = {
  id: "leaves-unscanned",
  class: "unscanned",
  severity: "medium",
  finds:
    "Files that the scanner cannot look into: other languages, native programs, archives, invalid text, code it cannot parse or that exceeds a limit.",
  remedy: "Leave the file out, or have a person look at it.",
  text(check) {
    const { file } = check;
    const { bytes, language } = file;
    const executable = isExecutable(bytes);
    if (executable !== undefined) {
      check.report(0, `This is ${executable}; the scanner cannot see what it does.`, { severity: "medium" });
      return;
    }
    if (language === "other-code") check.report(0, "The scanner does not know this language.", { severity: "low" });
    else if (language === "binary")
      check.report(0, "This file is binary; the scanner cannot see what it is for.", { severity: "low" });
    else if (file.isMalformed && language !== "text")
      check.report(0, "This file is not valid UTF-8: programs may read it differently from people.", {
        severity: "low",
      });
    else if (
      language !== "wasm" &&
      language !== "media" &&
      looksBinary(bytes.subarray(0, 4096)) &&
      !(bytes[0] === 0xff || bytes[0] === 0xfe)
    ) {
      check.report(0, "This file calls itself text but holds zero bytes.", { severity: "medium" });
    }
  },
};

function isExecutable(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0x7f && b === 0x45 && c === 0x4c && d === 0x46) return "a native program (ELF)";
  if (a === 0x4d && b === 0x5a && bytes.length > 64 && looksBinary(bytes)) return "a native program (Windows)";
  if ((a === 0xcf && b === 0xfa && c === 0xed && d === 0xfe) || (a === 0xca && b === 0xfe && c === 0xba && d === 0xbe))
    return "a native program";
  return undefined;
}
