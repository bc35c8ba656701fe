import type { Command } from "../command.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "list the installed plugins",
  usage: "",
  async run(invocation) {
    const plugins = await withHost(invocation, (host) => host.list());
    const lines = plugins.map(
      ({ id, version, level, actions }) =>
        `${id.padEnd(32)} ${version.padEnd(12)} ${level.padEnd(9)} ${actions.join(", ")}`,
    );
    return { json: { ok: true, plugins }, text: lines.length === 0 ? "no plugin is installed" : lines.join("\n") };
  },
};
