import { quote } from "@berth/base";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "list when actions run by themselves: what manifests declare and what plugins set",
  usage: "[ID]",
  async run(invocation) {
    const [id, extra] = invocation.args;
    if (extra !== undefined) throw new CliError("CLI_USAGE", `expected one plugin's id, found ${quote(extra)} too`);
    const schedules = await withHost(invocation, (host) => host.schedules(id));
    const lines = schedules.map(({ pluginId, partition, name, isDeclared, definition, nextAt }) => {
      const whose = partition === undefined ? "" : ` for ${quote(partition)}`;
      const how = isDeclared ? "declared" : "set by the plugin";
      return `${nextAt.toISOString()}  ${pluginId} ${name}${whose}: ${definition.action}, ${definition.cron} ${definition.timeZone} (${how})`;
    });
    return { json: { ok: true, schedules }, text: lines.length === 0 ? "nothing runs by itself" : lines.join("\n") };
  },
};
