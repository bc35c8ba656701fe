import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";

const GRAVE_BINDINGS =
  /^(?:spawn_sync|process_wrap|tcp_wrap|pipe_wrap|udp_wrap|contextify|fs_dir|worker|inspector|module_wrap|cares_wrap)$/u;

/** In a small file a single look at the caller is the point of it. */
const SMALL = 20_000;
const SMALL_BINDING = 3000;

export const reachesInternals: Rule = {
  id: "reaches-internals",
  class: "sandbox-escape",
  severity: "high",
  finds:
    "Ways around `import` and `require`: internal bindings, the main module, the loader's private functions, call-stack objects, inspector sessions.",
  remedy: "Import modules plainly; a permission decides what may be used.",
  syntax(check) {
    const { facts } = check;
    for (const call of facts.calls) {
      const [first] = call.args;
      const name = first?.isConstant === true ? (first.shape ?? "") : "";
      if (/^(?:process|\?\.process|\?)\.(?:binding|_linkedBinding)$/u.test(call.ref)) {
        const isGrave = GRAVE_BINDINGS.test(name) || name === "" || check.file.text.length < SMALL_BINDING;
        check.report(
          call.start,
          `This takes Node's internal part ${JSON.stringify(name || "…")}, below every permission check.`,
          { severity: isGrave ? "high" : "low", confidence: name === "" ? "medium" : "high", end: call.end },
        );
      } else if (
        /mainModule\.require$|^(?:\?\.)?mainModule\.|module\.constructor\._load$|^module\.constructor|module\.parent\.require$|^(?:module|\?)\._load$/u.test(
          call.ref,
        )
      ) {
        const isOwn =
          call.ref === "module._load" &&
          call.when.fn !== undefined &&
          facts.writes.some((write) => write.ref === "module._load");
        check.report(
          call.start,
          `This loads ${name === "" ? "a module" : JSON.stringify(name)} through the loader's back door.`,
          { severity: isOwn ? "low" : "high", end: call.end },
        );
      } else if (
        call.ref.endsWith("getBuiltinModule") &&
        (first?.made !== 0 || /child_process|^(?:node:)?(?:vm|net|fs|http|https|dns)$/u.test(name))
      ) {
        const isPlain = first?.made === 0 && check.file.text.length > 4000;
        check.report(call.start, `This takes the built-in module ${JSON.stringify(name)} without importing it.`, {
          severity: isPlain ? "low" : "high",
          end: call.end,
        });
      } else if (call.ref.endsWith("process.dlopen")) {
        check.report(call.start, "This loads native code directly.", { end: call.end, severity: "medium" });
      } else if (call.ref === "*.getThis" || call.ref === "*.getFunction") {
        if (/prepareStackTrace/u.test(check.file.text))
          check.report(call.start, "This takes live objects of its callers out of the call stack.", {
            severity: call.ref === "*.getThis" ? "high" : "medium",
            end: call.end,
          });
      } else if (call.ref === "#inspector.post" && /^(?:Runtime|Debugger|HeapProfiler|NodeWorker)\./u.test(name)) {
        check.report(call.start, "This drives Node's own debugger, which may run anything.", {
          severity: /evaluate|callFunctionOn|compileScript/u.test(name) ? "high" : "low",
          end: call.end,
        });
      } else if (call.ref === "v8.setFlagsFromString" && /allow[-_]natives[-_]syntax/u.test(name)) {
        check.report(call.start, "This opens the engine's own functions to the program.", { end: call.end });
      } else if (/^process\.kill$/u.test(call.ref) && textsOf(call.args[1]).includes("SIGUSR1")) {
        check.report(call.start, "This switches on the debugger of a process.", { end: call.end });
      } else if (call.ref === "process.chdir" && name === "/proc/self/fd") {
        check.report(call.start, "This walks into open files of the process.", { end: call.end });
      } else if (/^arguments\.callee\.caller|^\?\.caller\./u.test(call.ref)) {
        check.report(call.start, "This reaches the function that called it, and through it the host's objects.", {
          severity: /\.(?:toString|name)$/u.test(call.ref) ? "low" : "high",
          end: call.end,
        });
      } else if (
        /^contentWindow\.(?:eval|Function|fetch|localStorage|XMLHttpRequest|open|setTimeout|navigator\.sendBeacon|WebSocket)/u.test(
          call.ref,
        )
      ) {
        check.report(
          call.start,
          "This takes an untouched function out of a frame, past every restriction of this page.",
          { end: call.end },
        );
      } else if (
        /^(?:parent|top|opener)\.(?:document|eval|Function|localStorage|require|process|fetch|nodeRequire|electron)/u.test(
          call.ref,
        )
      ) {
        check.report(call.start, "This reaches out of its frame into the page that embeds it.", { end: call.end });
      } else if (call.ref === "worker_threads.Worker" && call.args[1]?.props?.get("eval") !== undefined) {
        check.report(call.start, "This runs text as a program in a worker.", {
          severity: "medium",
          confidence: "medium",
          end: call.end,
        });
      }
    }
    for (const read of facts.reads) {
      if (/^(?:arguments\.callee\.caller|\?\.caller\.arguments|\?\.callee\.caller)/u.test(read.ref))
        check.report(read.start, "This reaches the function that called it.", {
          severity: "medium",
          confidence: check.file.text.length < SMALL ? "high" : "medium",
          end: read.end,
        });
    }
    for (const write of facts.writes) {
      const outer = /^(?:parent|top|opener)\.(?!location|postMessage|onmessage)/u.exec(write.ref ?? "");
      if (outer !== null)
        check.report(write.start, "This changes the page that embeds it.", { severity: "high", end: write.end });
    }
  },
};
