import type { Rule } from "../rule.ts";

export const isPacked: Rule = {
  id: "is-packed",
  class: "obfuscation",
  severity: "high",
  finds: "Packed code: a program that unpacks another from a text and runs it, or code written almost without letters.",
  remedy: "Publish the code as it was written.",
  text(check) {
    const { language, text } = check.file;
    if (language !== "javascript" && language !== "typescript" && language !== "html" && language !== "jsx") return;
    if (text.length < 60) return;
    const head = text.slice(0, 20_000);
    const counted = head.replaceAll(/\s+/gu, "");
    let symbols = 0;
    for (let index = 0; index < counted.length; index += 1) {
      const code = counted.charCodeAt(index);
      if (code === 40 || code === 41 || code === 91 || code === 93 || code === 33 || code === 43) symbols += 1;
    }
    if (counted.length >= 60 && symbols / counted.length > 0.85)
      check.report(0, "This code is written with brackets, plus and exclamation marks alone.", {});
    else if (/(?:^|[;\s])(?:[$_\w]|\u309A)+\s*=\s*~\s*\[\s*\]|ﾟωﾟﾉ|゚ω゚ノ|\(ﾟДﾟ\)|\(゚Д゚\)/u.test(head))
      check.report(0, "This code builds its letters from symbols so that nobody can read it.", {});
    const escapes = head.match(/\\(?:x[2-7][0-9a-f]|u00[2-7][0-9a-f])/giu)?.length ?? 0;
    if (escapes >= 12 && escapes * 4 > head.length * 0.12)
      check.report(head.search(/\\[xu]/u), "Ordinary letters are written as escapes throughout.", {
        severity: escapes * 4 > head.length * 0.3 ? "high" : "medium",
      });
    const named =
      /(?<![\\\w"'`/])(?:[A-Za-z$_]\w*)?\\u(?:00[4-7][0-9a-f]|\{0*[4-7][0-9a-f]\})\w*\s*(?:\(|\.|=(?!>))/iu.exec(head);
    if (named !== null && !/["'`/]/u.test(head.slice(Math.max(0, named.index - 1), named.index))) {
      const line = head.slice(head.lastIndexOf("\n", named.index) + 1, named.index);
      const isInText = (line.match(/["'`/[]/gu)?.length ?? 0) % 2 === 1;
      if (!isInText) check.report(named.index, "A name in the code is written with escapes to hide it.", {});
    }
  },
  syntax(check) {
    for (const compilation of check.compilations) {
      const { code } = compilation;
      const node = check.facts.calls.find(
        (call) => call.start === compilation.start && call.end === compilation.end,
      )?.node;
      const argument = node?.type === "CallExpression" ? node.arguments[0] : undefined;
      if (argument?.type !== "CallExpression" && argument?.type !== "NewExpression") continue;
      const callee = argument.callee;
      const isInline = callee.type === "FunctionExpression" || callee.type === "ArrowFunctionExpression";
      const isUnpacking =
        isInline &&
        argument.arguments.length >= 1 &&
        /\.replace\(|\.split\(|fromCharCode|parseInt|\.join\(/u.test(
          check.file.text.slice(argument.start, Math.min(argument.end, argument.start + 4000)),
        );
      if (isUnpacking && !(code.isConstant && code.shape === ""))
        check.report(compilation.start, "This program unpacks another from a text and runs it.", {
          end: compilation.end,
        });
    }
    for (const compilation of check.compilations) {
      if (!/^(?:eval|Function|setTimeout)$/u.test(compilation.ref)) continue;
      const source = check.source(compilation.start, compilation.end);
      if (
        /\.replace(?:All)?\(|\.reverse\(\)|\.join\(\s*["'`]{2}|\.map\(|\^/u.test(source) &&
        (compilation.code.isConstant || check.file.text.length < 3000) &&
        compilation.tags === 0 &&
        // A frame of readable code around a part that is filled in is a template.
        (compilation.code.isConstant || !/["'`](?:return|with|var|let|const|function)\b/u.test(source)) &&
        /["'`][^"'`]{8,}["'`]/u.test(source)
      ) {
        check.report(
          compilation.start,
          "The code run here is put together from a text by replacing or reordering its letters.",
          { end: compilation.end },
        );
      }
    }
  },
};
