import type { Rule } from "../rule.ts";
import { textsOf } from "../syntax/queries.ts";
import { describeTags, PRIVATE, tag } from "../syntax/tags.ts";
import { topic, topicsOf } from "../syntax/topics.ts";
import { deepTags } from "../syntax/value.ts";

/** A style rule that asks the network only when an attribute begins with some letters. */
export const ATTRIBUTE_PROBE =
  /\[[\w-]+\s*[\^$*~|]?=\s*[^\]]{1,40}\][^{}]{0,80}\{[^{}]{0,200}url\(\s*["']?(?:https?:)?\/\//iu;

/** A font that is fetched only when one certain letter is shown. */
const LETTER_PROBE = /@font-face\s*\{[^}]*url\(\s*["']?(?:https?:)?\/\/[^}]*unicode-range:\s*U\+[0-9a-f]{2,4}\s*[;}]/iu;

export const usesCovertChannel: Rule = {
  id: "uses-covert-channel",
  class: "exfiltration",
  severity: "high",
  finds:
    "Data hidden in something that does not look like a transfer: style sheets, image addresses, peer connections, drop sites.",
  remedy: "Send data by an ordinary request to a host that the manifest names.",
  text(check) {
    if (check.file.language !== "css" && check.file.language !== "html") return;
    const match = ATTRIBUTE_PROBE.exec(check.file.text.slice(0, 200_000));
    if (match !== null && /\[\s*value\s*[\^$*]=|\[[\w-]*(?:csrf|token|value|data-)[\w-]*\s*[\^$*]=/iu.test(match[0])) {
      check.report(
        match.index,
        "This style rule asks a server once an input's value begins with certain letters: letter by letter it reads what is typed.",
        {},
      );
    }
  },
  syntax(check) {
    for (const transfer of check.transfers) {
      const url = transfer.url ?? "";
      const data = transfer.tags & (PRIVATE | tag.identity | tag.encoded | tag.file | tag.output);
      if (transfer.kind === "style" && transfer.isFixed && (data !== 0 || /\[[\w-]+\s*[\^$*]=/u.test(url))) {
        check.report(
          transfer.start,
          "This writes style rules that ask a server depending on what the page contains: data leaves without a request in the code.",
          { end: transfer.end },
        );
      } else if ((topicsOf(url) & topic.dropUrl) !== 0) {
        check.report(
          transfer.start,
          `This sends data to a place for anonymous drops (${JSON.stringify(url.slice(0, 60))}).`,
          {
            severity: data === 0 ? "medium" : "high",
            end: transfer.end,
          },
        );
      } else if (transfer.kind === "element" && transfer.isFixed && data !== 0 && /[?&/=]\uFFFC|\uFFFC$/u.test(url)) {
        check.report(transfer.start, `An address loaded by an element carries ${describeTags(data)}.`, {
          end: transfer.end,
        });
      }
    }
    for (const write of check.facts.writes) {
      for (const text of textsOf(write.value)) {
        const head = text.slice(0, 20_000);
        if (!ATTRIBUTE_PROBE.test(head) && !LETTER_PROBE.test(head)) continue;
        check.report(
          write.start,
          "This writes style rules that ask a server depending on an input's value: letter by letter they read what is typed.",
          { end: write.end },
        );
      }
    }
    for (const call of check.facts.calls) {
      const probing = call.args.some((arg) => textsOf(arg).some((text) => ATTRIBUTE_PROBE.test(text.slice(0, 20_000))));
      if (probing)
        check.report(
          call.start,
          "These style rules ask a server depending on an input's value: letter by letter they read what is typed.",
          { end: call.end },
        );
      if (call.ref === "RTCPeerConnection" && call.args.some((arg) => (deepTags(arg) & PRIVATE) !== 0)) {
        check.report(call.start, "The addresses given to this peer connection carry private data.", { end: call.end });
      }
    }
  },
};
