import type { Rule } from "../rule.ts";
import { commandTopics, callsInto } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic } from "../syntax/topics.ts";

export const opensReverseShell: Rule = {
  id: "opens-reverse-shell",
  class: "process",
  severity: "critical",
  finds: "A command shell whose input or output is connected to the network.",
  remedy: "Remove it.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      if ((commandTopics(call) & topic.reverseShell) !== 0) {
        check.report(call.start, "This opens a command shell to another machine.", { end: call.end });
      }
      const stdio = call.args.flatMap((arg) => arg.props?.get("stdio")?.items ?? []);
      if (stdio.some((item) => item.ref === "#socket" || (item.tags & tag.remote) !== 0))
        check.report(call.start, "This connects a command directly to a network socket.", { end: call.end });
    }
    for (const call of check.facts.calls) {
      const isNetwork = (ref: string | undefined): boolean =>
        ref === "#socket" || ref === "#sender" || ref === "#server";
      const isChild = (ref: string | undefined): boolean => ref?.startsWith("#child") === true;
      if (!call.ref.endsWith(".pipe")) continue;
      const [target] = call.args;
      const fromNetwork = isNetwork(call.receiver.ref) || (call.receiver.tags & tag.remote) !== 0;
      if (
        (fromNetwork && isChild(target?.ref)) ||
        (isChild(call.receiver.ref) && (isNetwork(target?.ref) || ((target?.tags ?? 0) & tag.remote) !== 0))
      ) {
        check.report(
          call.start,
          "This connects a command's input or output to the network: whoever is at the other end works on this machine.",
          { end: call.end },
        );
      }
    }
    for (const call of check.facts.calls) {
      if (
        /^#child(?:\.stdin)?\.(?:write|end)$/u.test(call.ref) &&
        call.args.some((arg) => (arg.tags & tag.remote) !== 0) &&
        check.transfers.some((transfer) => (transfer.tags & tag.output) !== 0)
      )
        check.report(
          call.start,
          "What arrives over the network is typed into a program, whose answers are sent back.",
          {
            end: call.end,
          },
        );
    }
    for (const transfer of check.transfers) {
      if (
        (transfer.tags & tag.output) === 0 ||
        !check.facts.calls.some(
          (call) =>
            /^child_process|^node-pty/u.test(call.ref) && call.args.some((arg) => (arg.tags & tag.remote) !== 0),
        )
      )
        continue;
      check.report(transfer.start, "The output of commands that arrive from outside is sent back.", {
        end: transfer.end,
      });
    }
  },
};
