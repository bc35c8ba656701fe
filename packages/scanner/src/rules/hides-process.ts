import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, hasOption, textsOf } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { topic } from "../syntax/topics.ts";
import type { Value } from "../syntax/value.ts";

const isTrue = (value: Value): boolean => value.shape === "true";

export const hidesProcess: Rule = {
  id: "hides-process",
  class: "process",
  severity: "high",
  finds:
    "A process that is started so that nobody sees it: detached, without output, without a window, or under a false name.",
  remedy: "Start processes visibly and end them with the plugin.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      const detached = hasOption(call, "detached", isTrue);
      const silent = hasOption(
        call,
        "stdio",
        (value) =>
          value.shape === "ignore" ||
          ((value.items?.length ?? 0) > 0 && value.items?.every((item) => item.shape === "ignore") === true),
      );
      const windowless = hasOption(call, "windowsHide", isTrue);
      const text = commandOf(call.args);
      if (detached && silent) {
        check.report(
          call.start,
          "This starts a process that outlives the program, shows no output and has no window.",
          { severity: windowless ? "high" : "medium", end: call.end },
        );
      } else if (detached && (windowless || check.facts.calls.some((other) => other.ref === "#child.unref"))) {
        check.report(call.start, "This starts a process that goes on after the program ends.", {
          severity: "medium",
          confidence: "medium",
          end: call.end,
        });
      } else if ((commandTopics(call) & topic.hidesWindow) !== 0) {
        const isShell =
          /WindowStyle|-W\s+Hidden|pythonw|wscript|\.vbs|setsid|nohup|disown|CreateNoWindow|start \/b|headless|&>?\s*\/dev\/null|2>&1\s*&/iu.test(
            text,
          );
        check.report(call.start, "This command is started so that it cannot be seen.", {
          severity: isShell ? "high" : "low",
          end: call.end,
        });
      }
    }
    for (const write of check.facts.writes) {
      if (
        write.ref === "process.title" &&
        textsOf(write.value).some((name) =>
          /^(?:\[?k(?:worker|thread)|svchost|systemd|sshd|launchd|explorer|dbus|crond?|init|csrss|lsass|rsyslogd|udevd|\[.*\]|-?bash|-?zsh|Finder|chrome|node_exporter|snapd|networkd)/iu.test(
            name,
          ),
        )
      ) {
        check.report(write.start, "This disguises the process under the name of a part of the system.", {
          end: write.end,
        });
      }
    }
  },
};
