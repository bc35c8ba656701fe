import { sanitize } from "@berth/base";

import type { Command } from "../command.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "list the installed plugins and their states",
  usage: "",
  async run(invocation) {
    const plugins = await withHost(invocation, (host) => host.list());
    const lines = plugins.flatMap(({ id, version, state, reason, level, actions }) => [
      `${id.padEnd(32)} ${version.padEnd(12)} ${state.padEnd(11)} ${(level ?? "").padEnd(9)} ${actions.join(", ")}`,
      ...(reason === undefined ? [] : [`    ${sanitize(reason, 300)}`]),
    ]);
    return { json: { ok: true, plugins }, text: lines.length === 0 ? "no plugin is installed" : lines.join("\n") };
  },
};
