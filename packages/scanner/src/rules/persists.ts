import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, textsOf, topicsOfValue, writtenContent, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { topic, topicsOf } from "../syntax/topics.ts";

export const persists: Rule = {
  id: "persists",
  class: "persistence",
  severity: "high",
  finds:
    "Writing to places from which programs start by themselves: login scripts, scheduled tasks, services, registry keys, git hooks.",
  remedy: "Let the host start the plugin; it has no business starting itself.",
  syntax(check) {
    for (const call of callsInto(check.facts, "write")) {
      const path = writtenPath(call);
      const topics = topicsOfValue(path) & (topic.autostartPath | topic.hookPath);
      if (topics === 0) continue;
      const where = textsOf(path)[0]?.slice(-60).replaceAll("\uFFFC", "…") ?? "";
      check.report(
        call.start,
        `This writes to ${JSON.stringify(where)}, from where it will be started again and again.`,
        { end: call.end },
      );
    }
    for (const call of callsInto(check.facts, "run")) {
      const topics = commandTopics(call);
      const text = commandOf(call.args);
      if ((topics & topic.autostartCommand) !== 0 && !/crontab\s+-l\s*$/u.test(text)) {
        const isHooks = /git\s+config/u.test(text);
        check.report(call.start, "This command makes something start by itself later.", {
          severity: isHooks ? "medium" : "high",
          end: call.end,
        });
      } else if (
        (topics & (topic.autostartPath | topic.hookPath)) !== 0 &&
        />>?|\b(?:cp|mv|ln|tee|copy|install)\b/u.test(text.replaceAll(/\d?>\s*\/dev\/null/gu, ""))
      ) {
        check.report(call.start, "This command writes to a place from which programs start by themselves.", {
          end: call.end,
        });
      }
    }
    for (const call of check.facts.calls) {
      if (
        /^(?:auto-launch|node-windows|node-mac|node-linux|winreg|regedit|pm2)\b/u.test(call.ref) &&
        (call.isNew || /(?:enable|install|set|putValue|startup)$/u.test(call.ref))
      ) {
        check.report(call.start, "This makes the program start with the system.", {
          severity: "medium",
          end: call.end,
        });
      } else if (call.ref.endsWith("app.setLoginItemSettings"))
        check.report(call.start, "This makes the program start with the system.", {
          severity: "medium",
          end: call.end,
        });
      else if (/^(?:chrome|browser)\.(?:runtime\.onStartup|alarms\.create)/u.test(call.ref))
        check.report(call.start, "This runs again at each start of the browser.", { severity: "low", end: call.end });
    }
    for (const call of callsInto(check.facts, "write")) {
      const content = writtenContent(call);
      if (
        textsOf(content).some(
          (text) =>
            (topicsOf(text) & topic.autostartCommand) !== 0 ||
            /RunAtLoad|<key>ProgramArguments|\[Service\][^]*ExecStart|@reboot|\*\/\d+ \* \* \* \*/u.test(
              text.slice(0, 4000),
            ),
        )
      ) {
        check.report(call.start, "This writes a task that starts by itself.", { end: call.end });
      }
    }
  },
};
