import type { Rule } from "../rule.ts";
import { CONCEALED, describeTags, made, tag } from "../syntax/tags.ts";

export const runsDecodedCode: Rule = {
  id: "runs-decoded-code",
  class: "code-execution",
  severity: "critical",
  finds: "Text that the program first decodes, decrypts or puts together letter by letter and then runs as code.",
  remedy: "Put the code itself into the package, readable.",
  syntax(check) {
    for (const compilation of check.compilations) {
      const { code, tags, how } = compilation;
      const decoded = tags & (tag.decoded | tag.hidden);
      const preview =
        code.isConstant && code.shape !== undefined && code.shape.trim() !== ""
          ? ` It becomes ${JSON.stringify(code.shape.slice(0, 60))}.`
          : "";
      if (compilation.ref.startsWith("WebAssembly")) continue;
      if (decoded !== 0) {
        check.report(compilation.start, `Here ${describeTags(decoded)} run as code by ${how}.${preview}`, {
          end: compilation.end,
        });
      } else if ((code.made & CONCEALED) !== 0 && code.isConstant && code.also === undefined) {
        check.report(
          compilation.start,
          `The code run here by ${how} was put together from pieces to hide it.${preview}`,
          { severity: "high", end: compilation.end },
        );
      } else if (
        (code.made & made.concat) !== 0 &&
        code.isConstant &&
        code.also === undefined &&
        (code.shape?.length ?? 0) < 200 &&
        !/\n/u.test(code.shape ?? "")
      ) {
        check.report(compilation.start, `The code run here by ${how} was put together from pieces.${preview}`, {
          severity: "medium",
          end: compilation.end,
        });
      }
    }
  },
};
