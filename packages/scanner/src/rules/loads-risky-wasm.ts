import type { Rule } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { powerfulModules } from "../syntax/references.ts";
import { callsInto } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { deepTags, type Value } from "../syntax/value.ts";

export const loadsRiskyWasm: Rule = {
  id: "loads-risky-wasm",
  class: "code-execution",
  severity: "high",
  finds:
    "WebAssembly that comes from the network or is decoded at run time, or that is handed functions to run code, commands or requests.",
  remedy: "Ship the module as a `.wasm` file and hand it only the functions it needs.",
  syntax(check) {
    for (const call of check.facts.calls) {
      if (call.ref !== "wasi.WASI") continue;
      const options = call.args[0]?.props;
      const opens = [...(options?.get("preopens")?.props?.values() ?? [])].some((value) => value.shape === "/");
      const env = options?.get("env");
      if (opens || (env !== undefined && (deepTags(env) & tag.environment) !== 0))
        check.report(call.start, "The WebAssembly module started here gets the whole disk or the whole environment.", {
          end: call.end,
        });
    }
    for (const call of callsInto(check.facts, "wasm")) {
      const [bytes, imports] = call.args;
      const from = bytes === undefined ? 0 : deepTags(bytes);
      const url = bytes?.shape ?? "";
      const isRemote = (from & tag.remote) !== 0;
      const remoteFixed = check.transfers.some((transfer) => transfer.isFixed && /^https?:/u.test(transfer.url ?? ""));
      const power = imports === undefined ? undefined : powerIn(imports, 3, check.facts.calls);
      if (power !== undefined) {
        check.report(
          call.start,
          `The WebAssembly module loaded here is handed ${power}, so that its code can do what no scan of the text shows.`,
          { end: call.end },
        );
      } else if (isRemote && (remoteFixed || /^https?:/u.test(url))) {
        check.report(call.start, "This runs a WebAssembly module that is downloaded.", { end: call.end });
      } else if (
        (from & tag.media) !== 0 ||
        ((from & tag.decoded) !== 0 &&
          (bytes?.items !== undefined ||
            /\^/u.test(check.source(call.start - 400, call.start)) ||
            check.file.text.length < 3000))
      ) {
        check.report(
          call.start,
          "This runs a WebAssembly module that is decoded at run time, so that nobody can read it in the package.",
          { severity: "medium", end: call.end },
        );
      }
    }
  },
};

/** What a table of imports hands over that can act on the machine. */
function powerIn(
  imports: Value,
  depth: number,
  calls: readonly { readonly ref: string; readonly when: { readonly fn: unknown } }[],
): string | undefined {
  if (imports.props === undefined || depth === 0) return undefined;
  for (const value of imports.props.values()) {
    const { ref } = value;
    if (
      ref !== undefined &&
      (powerfulModules.has(ref) ||
        ref === "require" ||
        ref === "process" ||
        ref === "eval" ||
        ref === "Function" ||
        ref === "globalThis")
    )
      return `\`${ref}\``;
    const sink = effectOf(ref)?.sink;
    if (sink === "run" || sink === "code" || sink === "load") return `\`${ref}\``;
    if (value.fn !== undefined) {
      const inner = calls.find(
        (call) => call.when.fn === value.fn && /^(?:run|code|load)$/u.test(effectOf(call.ref)?.sink ?? ""),
      );
      if (inner !== undefined) return `a function that calls \`${inner.ref}\``;
    }
    const deeper = powerIn(value, depth - 1, calls);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
