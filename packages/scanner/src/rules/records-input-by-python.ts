import { pythonCalls } from "../python/flow.ts";
import type { Rule } from "../rule.ts";
import { topic } from "../syntax/topics.ts";

const RECORDS =
  /\bpynput\b|\bkeyboard\.(?:on_press|on_release|hook|record)\b|\bpyxhook\b|\bGetAsyncKeyState\b|\bSetWindowsHookEx/u;
const READS_CLIPBOARD = /\bpyperclip\.paste\b|\bclipboard_get\b|\bGetClipboardData\b/u;
const WRITES_CLIPBOARD = /\bpyperclip\.copy\b|\bclipboard_append\b|\bSetClipboardData\b/u;

export const recordsInputByPython: Rule = {
  id: "records-input-by-python",
  class: "exfiltration",
  severity: "critical",
  finds: "In Python: keys or clipboard of the whole system that are recorded, sent or replaced.",
  remedy: "Handle input inside the plugin's own user interface and keep it there.",
  text(check) {
    if (check.file.language !== "python") return;
    const { text } = check.file;
    const keys = RECORDS.exec(text);
    const clipboard = READS_CLIPBOARD.exec(text);
    if (keys === null && clipboard === null) return;
    const calls = pythonCalls(text);
    if (keys !== null && calls.some((call) => call.sink === "send" || call.sink === "write"))
      check.report(keys.index, "This records keys of the whole system and stores or sends them.", {});
    const replaced = WRITES_CLIPBOARD.exec(text);
    const isAddress = ADDRESS.test(text) || calls.some((call) => (call.topics & topic.walletAddress) !== 0);
    if (clipboard !== null && replaced !== null && isAddress)
      check.report(replaced.index, "This puts an address of its own into the clipboard in place of the user's.", {});
  },
};

/** A payment address, or a pattern that looks for them. */
const ADDRESS = /\b(?:bc1|0x)[a-zA-Z0-9]{30,}\b|\(\??:?bc1\|\[13\]/u;
