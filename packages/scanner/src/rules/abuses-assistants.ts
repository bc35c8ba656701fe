import type { Rule } from "../rule.ts";
import { callsInto, commandTopics, textsOf, topicsOfValue, writtenPath } from "../syntax/queries.ts";
import { commandOf } from "../syntax/transfers.ts";
import { topic } from "../syntax/topics.ts";

const SEARCHES =
  /\b(?:wallet|mnemonic|seed phrase|private key|credential|password|token|secret|api key|\.env|ssh key|keystore|inventory|exfiltrat|upload|recursively|home directory|\$HOME)\b/iu;

export const abusesAssistants: Rule = {
  id: "abuses-assistants",
  class: "agents",
  severity: "critical",
  finds:
    "Starting a coding assistant of the user without its safety questions, giving it orders, or changing the files from which it takes orders.",
  remedy: "Offer actions to agents through the host; never drive the user's own assistants.",
  syntax(check) {
    for (const call of callsInto(check.facts, "run")) {
      const topics = commandTopics(call);
      const text = commandOf(call.args);
      const isTool =
        (topics & topic.agentTool) !== 0 ||
        textsOf(call.args[0]).some((name) =>
          /^(?:claude|gemini|codex|aider|cursor-agent|copilot|opencode|goose|q|kiro|qwen|cody|amp|droid|crush)$/iu.test(
            name.split(/[/\\]/u).at(-1) ?? "",
          ),
        );
      const prompts =
        /(?:^|\s)(?:-p|--prompt|--print|--message|-m|exec|chat|run)\s+\S+\s+\S+\s+\S+/u.test(text) ||
        /(?:--prompt|--message)[ =]/u.test(text);
      if (
        (topics & topic.agentBypass) !== 0 &&
        (isTool ||
          prompts ||
          SEARCHES.test(text) ||
          /--dangerously|--yolo|--trust-all|bypassPermissions|--full-auto|--approval-mode/u.test(text))
      ) {
        check.report(call.start, "This starts a coding assistant with its safety questions switched off.", {
          end: call.end,
        });
      } else if (isTool && (prompts || SEARCHES.test(text))) {
        check.report(call.start, "This gives orders to a coding assistant of the user.", {
          severity: SEARCHES.test(text) ? "high" : "medium",
          end: call.end,
        });
      } else if (prompts && SEARCHES.test(text) && /(?:-p|--prompt|--print)\s/u.test(text)) {
        check.report(call.start, "This gives a program an order in words to look for secrets.", {
          severity: "high",
          end: call.end,
        });
      }
    }
    for (const call of callsInto(check.facts, "write")) {
      if ((topicsOfValue(writtenPath(call)) & topic.agentPath) === 0) continue;
      check.report(
        call.start,
        "This changes a file from which the user's coding assistant takes its orders or tools.",
        { severity: "high", end: call.end },
      );
    }
  },
};
