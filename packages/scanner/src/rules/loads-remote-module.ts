import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { HOLE } from "../syntax/value.ts";

const REMOTE = /^(?:https?:|wss?:|ftp:)?\/\/[^/]/iu;

export const loadsRemoteModule: Rule = {
  id: "loads-remote-module",
  class: "code-execution",
  severity: "high",
  finds: "Modules, scripts or workers loaded from an address, or from a `data:` address, instead of from the package.",
  remedy: "Ship the module inside the package.",
  syntax(check) {
    for (const load of check.facts.loads) {
      for (const text of textsOf(load.specifier)) {
        if (REMOTE.test(text)) {
          check.report(
            load.start,
            `This loads code from ${JSON.stringify(text.slice(0, 60))}; whoever controls that address controls this plugin.`,
            { end: load.end },
          );
        } else if (/^data:(?!application\/json)/iu.test(text) && !load.isStatic) {
          check.report(load.start, "This runs code that is written inside an address (`data:`).", { end: load.end });
        }
      }
    }
    for (const compilation of check.compilations) {
      for (const text of textsOf(compilation.code)) {
        const isScript = compilation.ref.startsWith("element:script") && compilation.ref.endsWith(".src");
        const isWorker = /^importScripts$|getScript$/u.test(compilation.ref) || compilation.how === "a worker";
        if ((isScript || isWorker) && REMOTE.test(text) && !text.startsWith(HOLE)) {
          check.report(
            compilation.start,
            `This loads a script from ${JSON.stringify(text.slice(0, 60))}; whoever controls that address controls this page.`,
            { end: compilation.end },
          );
        } else if ((isWorker || compilation.ref === "import") && /^data:/iu.test(text)) {
          const isReadable = !/;base64/iu.test(text) && compilation.tags === 0;
          check.report(compilation.start, "This runs code that is written inside an address (`data:`).", {
            severity: isReadable && check.file.text.length > 10_000 ? "low" : "high",
            end: compilation.end,
          });
        } else if (
          /\bimport\s*(?:\(\s*|[\w*{}, $]{1,80}\sfrom\s*)?["'`](?:https?:)?\/\//u.test(text.slice(0, 4000)) &&
          !compilation.ref.endsWith(".src")
        ) {
          check.report(compilation.start, "This runs code, written as text, that loads a module from elsewhere.", {
            end: compilation.end,
          });
        } else if (
          compilation.ref.startsWith("document.write") &&
          /<script[^>]+src=["']?(?:https?:)?\/\//iu.test(text)
        ) {
          check.report(compilation.start, "This writes a script element that loads code from elsewhere.", {
            end: compilation.end,
          });
        }
      }
    }
    for (const write of check.facts.writes) {
      if (!/^(?:srcdoc|innerHTML|outerHTML)$/u.test(write.name)) continue;
      if (textsOf(write.value).some((text) => /<script[^>]+src=["']?(?:https?:)?\/\//iu.test(text)))
        check.report(write.start, "This writes a script element that loads code from elsewhere.", { end: write.end });
    }
    for (const call of check.facts.calls) {
      const isScript =
        call.ref === "element:script.setAttribute" ||
        (call.ref === "*.setAttribute" && call.receiver.ref === "element:script");
      if (!isScript || call.args[0]?.shape !== "src") continue;
      if (textsOf(call.args[1]).some((text) => REMOTE.test(text)))
        check.report(call.start, "This loads a script from a remote address.", { end: call.end });
    }
  },
};
