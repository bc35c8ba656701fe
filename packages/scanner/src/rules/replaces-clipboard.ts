import type { Rule } from "../rule.ts";
import { effectOf } from "../syntax/effects.ts";
import { callsInto, textsOf } from "../syntax/queries.ts";
import { tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";
import { commandOf } from "../syntax/transfers.ts";

/** Patterns that recognise addresses of wallets: long runs of letters behind `0x`, `bc1`, `[13]`. */
const ADDRESS_PATTERN =
  /0x\[(?:a-f|A-F|0-9|\\d){1,3}[^\]]*\]\{40\}|\[13\]\[|bc1|\{25,3\d\}|\{26,3\d\}|\{33,?3?\d?\}|\{42\}|\{43,44\}|\{32,44\}|\(0x\)\?\[|T\[|ltc1|\[LM\]/iu;

/** Programs that take what becomes the clipboard of the whole system. */
const WRITING_COMMAND =
  /\bpbcopy\b|\bxclip\b(?!.*\s-o)|\bxsel\b.*\s(?:-i|--input)|\bwl-copy\b|\bSet-Clipboard\b|\|\s*clip(?:\.exe)?\b/iu;

export const replacesClipboard: Rule = {
  id: "replaces-clipboard",
  class: "exfiltration",
  severity: "high",
  finds: "Code that reads the clipboard or page, looks for wallet addresses and puts others in their place.",
  remedy: "Write to the clipboard only what the user just asked to copy.",
  syntax(check) {
    const runs = callsInto(check.facts, "run");
    const reads = check.facts.calls.some((call) => (call.result.tags & tag.clipboard) !== 0);
    const hasPattern = ADDRESS_PATTERN.test(check.file.text.slice(0, 400_000));
    const writes = [
      ...callsInto(check.facts, "clipboard"),
      ...check.facts.calls.filter((call) => call.ref.endsWith("clipboardData.setData") || call.ref === "*.setData"),
      ...runs.filter((call) => WRITING_COMMAND.test(commandOf(call.args))),
    ];
    for (const call of writes) {
      const content = call.args.at(-1);
      const command = textsOf(content).reduce((sum, text) => sum | topicsOf(text), 0);
      if (
        effectOf(call.ref)?.sink !== "run" &&
        (command & topic.downloads) !== 0 &&
        (command & topic.interprets) !== 0 &&
        (command & topic.hidesWindow) !== 0
      )
        check.report(
          call.start,
          "This puts a hidden command that downloads and runs something where the user will paste it.",
          {
            end: call.end,
          },
        );
      const isAddress = textsOf(content).some((text) => (topicsOf(text) & topic.walletAddress) !== 0);
      const isEvent = /^(?:copy|cut|paste)$/u.test(call.when.event);
      const isTimer = check.facts.calls.some((other) => other.ref.endsWith("setInterval"));
      const isFixed = content?.isConstant === true && content.fn === undefined;
      if (isAddress || (reads && hasPattern) || (reads && isTimer) || (isEvent && isFixed) || (reads && isFixed)) {
        check.report(
          call.start,
          "This replaces what the user copied with something else, such as another wallet address.",
          {
            severity: isAddress || hasPattern ? "critical" : "high",
            end: call.end,
          },
        );
      }
    }
  },
};
