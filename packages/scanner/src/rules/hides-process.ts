import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, hasOption, textsOf } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { topic } from "../syntax/topics.ts";
import type { Value } from "../syntax/value.ts";

const isTrue = (value: Value): boolean => value.shape === "true";

const isCallerChosen = (command: Value | undefined): boolean =>
  command !== undefined && command.shape === undefined && command.ref === undefined && command.tags === 0;

/** Programs that show the user something, each in its own window: nothing is hidden by letting go of them. */
const isOpener = (command: Value | undefined): boolean => {
  const names = textsOf(command);
  return (
    names.length > 0 &&
    names.every((name) => /^(?:open|xdg-open|explorer(?:\.exe)?|gio|kde-open5?|wslview)$/u.test(name))
  );
};

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
      const isSilentFork = call.ref.endsWith(".fork") && hasOption(call, "silent", isTrue);
      const windowless = hasOption(call, "windowsHide", isTrue);
      const text = commandOf(call.args);
      if (isOpener(call.args[0])) continue;
      if (detached && (silent || isSilentFork)) {
        check.report(
          call.start,
          "This starts a process that outlives the program, shows no output and has no window.",
          {
            severity: windowless ? "high" : "medium",
            // What is started is for the caller to say: a library for starting programs.
            confidence: isCallerChosen(call.args[0]) ? "medium" : "high",
            end: call.end,
          },
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
