import type { Rule } from "../rule.ts";
import { tag } from "../syntax/tags.ts";

/** Files that are not meant to hold code. */
const DATA_FILE =
  /readFile[^)]{0,120}\.(?:txt|md|dat|bin|db|log|json|map|css|lock|cache|tmp|conf|ya?ml|html|LICENSE|csv)["'`]/iu;
const CUTS = /\.(?:subarray|slice|indexOf|lastIndexOf|split|match|substring)\s*\(/u;

export const runsFileAsCode: Rule = {
  id: "runs-file-as-code",
  class: "code-execution",
  severity: "high",
  finds: "Code taken from a file that is not a program, or from a part of a file.",
  remedy: "Import the module instead of evaluating its text.",
  syntax(check) {
    for (const compilation of check.compilations) {
      const isFile = (compilation.tags & tag.file) !== 0 && (compilation.tags & tag.media) === 0;
      const isSelf = (compilation.tags & tag.self) !== 0 && /^(?:eval|Function)$/u.test(compilation.ref);
      const isWasm = (compilation.tags & tag.wasm) !== 0;
      if (isWasm)
        check.report(compilation.start, "Text from a WebAssembly module's memory is run as code here.", {
          end: compilation.end,
        });
      else if (isSelf)
        check.report(compilation.start, "The program reads its own source and runs a part of it.", {
          end: compilation.end,
        });
      else if (isFile && /^(?:eval|Function|setTimeout|#function-constructor)$/u.test(compilation.ref)) {
        const near = check.file.text.slice(0, 20_000);
        const isOdd = DATA_FILE.test(near) || (check.file.text.length < 20_000 && CUTS.test(near));
        check.report(compilation.start, "The content of a file is run as code here.", {
          confidence: isOdd ? "high" : "low",
          end: compilation.end,
        });
      }
    }
  },
};
