import type { Rule } from "../rule.ts";
import { readWasmImports } from "../wasm/wasm-imports.ts";

const GRAVE =
  /^(?:eval|exec|system|emscripten_run_script\w*|emscripten_asm_const\w*|spawn|fetch|js_eval|run|popen|dlopen|emscripten_fetch|require|readFile\w*|writeFile\w*|sendBeacon)$/iu;

export const importsRiskyWasm: Rule = {
  id: "imports-risky-wasm",
  class: "package",
  severity: "medium",
  finds: "WebAssembly modules that ask to be handed powers, or that are malformed.",
  remedy: "Build the module without these imports.",
  text(check) {
    if (check.file.language !== "wasm") return;
    const imports = readWasmImports(check.file.bytes);
    if (imports === undefined) {
      check.report(0, "This WebAssembly module is malformed; the scanner cannot tell what it asks for.", {
        severity: "medium",
      });
      return;
    }
    const grave = imports.filter(
      (one) =>
        GRAVE.test(one.name) || (one.module.startsWith("wasi") && /^(?:sock_|proc_exec|thread_spawn)/u.test(one.name)),
    );
    if (grave.length > 0) {
      check.report(
        0,
        `This WebAssembly module asks for ${grave
          .slice(0, 4)
          .map((one) => JSON.stringify(`${one.module}.${one.name}`.slice(0, 40)))
          .join(", ")}, with which it can act outside the sandbox's rules.`,
        {},
      );
    } else if (
      imports.some((one) => one.module.startsWith("wasi") && /^path_|^fd_(?:readdir|prestat)|^environ_/u.test(one.name))
    ) {
      check.report(0, "This WebAssembly module asks for files or environment variables.", { severity: "low" });
    }
  },
};
