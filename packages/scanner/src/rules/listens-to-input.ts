import type { Rule } from "../rule.ts";
import { describeTags, tag } from "../syntax/tags.ts";

const INPUT = tag.keystroke | tag.form | tag.clipboard;

export const listensToInput: Rule = {
  id: "listens-to-input",
  class: "exfiltration",
  severity: "critical",
  finds: "A listener on keys, forms or the clipboard whose work leaves the machine.",
  remedy: "Handle input inside the plugin's own user interface and keep it there.",
  syntax(check) {
    for (const transfer of check.transfers) {
      const { event, eventTarget } = transfer.when;
      const isKeys = /^key(?:down|up|press)$/u.test(event);
      if (
        isKeys &&
        (transfer.isFixed || (transfer.tags & tag.keystroke) !== 0) &&
        /^(?:document|globalThis|document\.body|)$/u.test(eventTarget)
      ) {
        check.report(transfer.start, `Every key that the user presses leads to a transfer by ${transfer.how}.`, {
          end: transfer.end,
        });
      } else if (
        /^(?:submit|input|change|blur|focusout|paste)$/u.test(event) &&
        transfer.isFixed &&
        (transfer.tags & INPUT) !== 0
      ) {
        check.report(
          transfer.start,
          `When the user types, pastes or submits, ${describeTags(transfer.tags & INPUT)} goes to a fixed address.`,
          { end: transfer.end },
        );
      }
    }
    for (const call of check.facts.calls) {
      if (!/^(?:iohook|uiohook-napi|node-global-key-listener|robotjs|gkm|keylogger|active-win)/u.test(call.ref))
        continue;
      if (check.transfers.length === 0 && !check.facts.calls.some((other) => /^fs\.(?:append|write)/u.test(other.ref)))
        continue;
      check.report(call.start, "This records keys of the whole system and stores or sends them.", { end: call.end });
      return;
    }
    for (const call of check.facts.calls) {
      if (!/^fs\.(?:append|write)/u.test(call.ref) || !call.args.some((arg) => (arg.tags & tag.keystroke) !== 0))
        continue;
      check.report(call.start, "What the user types is written to a file.", { severity: "high", end: call.end });
    }
  },
};
