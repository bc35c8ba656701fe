import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { describeTags, tag } from "../syntax/tags.ts";

const INPUT = tag.keystroke | tag.form | tag.clipboard;

/** A form of one's own that asks for a password and sends it to another machine. */
const LOGIN = /<form\b[^>]{0,400}\baction=["']?(?:https?:)?\/\/[^]{0,4000}type=["']?password/iu;

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
    const isRaw = check.facts.calls.some((call) => call.ref === "process.stdin.setRawMode");
    for (const transfer of isRaw ? check.transfers : []) {
      if (/^(?:data|keypress)$/u.test(transfer.when.event) && transfer.when.eventTarget === "process.stdin")
        check.report(transfer.start, `Every key typed into the terminal leads to a transfer by ${transfer.how}.`, {
          end: transfer.end,
        });
    }
    for (const write of check.facts.writes) {
      if (!/^(?:srcdoc|innerHTML|outerHTML)$/u.test(write.name)) continue;
      if (textsOf(write.value).some((text) => LOGIN.test(text.slice(0, 20_000))))
        check.report(write.start, "This shows a form for passwords that are sent to a fixed address.", {
          end: write.end,
        });
    }
    for (const write of check.facts.writes) {
      const isForm = (write.object.tags & tag.form) !== 0 || write.ref?.startsWith("document.forms") === true;
      if (!/^(?:action|formAction)$/u.test(write.name) || !isForm) continue;
      if (textsOf(write.value).some((text) => /^(?:https?:)?\/\/./u.test(text)))
        check.report(write.start, "This sends what the user enters in the page's forms to a fixed address.", {
          end: write.end,
        });
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
