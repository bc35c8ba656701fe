import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { made } from "../syntax/tags.ts";

const HEX_NAME = /\b_0x[0-9a-f]{2,8}\b/gu;

/** Names, paths, addresses and commands; selectors, markup and prose are data. */
const NAME = /^(?:[A-Za-z_$/~@]|\.{0,2}\/)[\w$./:@% -]*$/u;

export const usesStringTable: Rule = {
  id: "uses-string-table",
  class: "obfuscation",
  severity: "high",
  finds:
    "The marks of an obfuscator: machine-made names, rotated tables of encoded texts, dispatchers, escaped letters, code without letters.",
  remedy: "Publish the code as it was written, or honestly minified with a source map.",
  syntax(check) {
    const { text } = check.file;
    const head = text.length > 400_000 ? text.slice(0, 400_000) : text;
    const names = new Set<string>();
    let count = 0;
    let at = -1;
    for (const found of head.matchAll(HEX_NAME)) {
      count += 1;
      if (at < 0) at = found.index;
      if (names.size < 50) names.add(found[0]);
      if (count > 5000) break;
    }
    if (names.size >= 3 && count >= 5)
      check.report(at, `${count} names of the form "_0x…" show that an obfuscator wrote this.`, {});
    for (const call of check.facts.calls) {
      if (call.ref !== "*.push" || call.receiver.items === undefined || call.receiver.items.length < 2) continue;
      const isRotation = /push["'\]]*\s*\]?\(\s*[\w$]+\s*(?:\.shift|\[["']shift)/u.test(
        check.source(call.start, call.end),
      );
      if (isRotation && call.receiver.items.every((item) => item.isConstant && item.number === undefined)) {
        check.report(
          call.start,
          "This rotates a table of texts before they are used, so that they cannot be followed by reading.",
          { end: call.end },
        );
      }
    }
    const encoded = check.facts.concealed.filter(
      (one) =>
        (one.value.made & (made.base64 | made.hex | made.charCode | made.cipher)) !== 0 &&
        NAME.test(one.value.shape ?? ""),
    );
    const byTable = encoded.find(
      (one) => (one.value.also?.length ?? 0) >= 2 && textsOf(one.value).every((value) => NAME.test(value)),
    );
    if (byTable !== undefined)
      check.report(byTable.start, "Texts of the program stand encoded in a table and are decoded one by one.", {
        end: byTable.end,
      });
    else if (encoded.length >= 4 && encoded[0] !== undefined && text.length < 60_000)
      check.report(
        encoded[0].start,
        `${encoded.length} texts of the program are written encoded and decoded at run time.`,
        {},
      );
  },
};
