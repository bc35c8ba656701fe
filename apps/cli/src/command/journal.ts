import { sanitize } from "@berth/base";
import { explainDataLabel } from "@berth/spec";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "show what was installed, granted, called and denied, newest first",
  usage: "[ID] [--limit N]",
  options: { limit: { type: "string", value: "N", help: "how many entries, at most 1,000 (default 50)" } },
  async run(invocation) {
    const [pluginId] = invocation.args;
    const limit = Number(invocation.text("limit") ?? "50");
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
      throw new CliError("CLI_USAGE", "--limit takes a whole number from 1 to 1,000");
    const entries = await withHost(invocation, (host) => host.journal({ pluginId, limit }));
    const lines = entries.map(({ at, kind, pluginId: id, subject, outcome, count, durationUs, detail, label }) => {
      const times = count === 1 ? "" : ` × ${count}`;
      const took =
        durationUs === undefined ? "" : `, ${(durationUs / count / 1_000).toFixed(2)} ms${count === 1 ? "" : " each"}`;
      const what = subject === undefined ? "" : ` ${sanitize(subject, 80)}`;
      const more = detail === undefined ? "" : `  (${sanitize(detail, 160)})`;
      const mark = label === undefined ? "" : `  [had data that ${explainDataLabel(label)}]`;
      return `${at}  ${kind.padEnd(9)} ${id}${what}${times}: ${outcome}${took}${more}${mark}`;
    });
    return { json: { ok: true, entries }, text: lines.length === 0 ? "the journal is empty" : lines.join("\n") };
  },
};
