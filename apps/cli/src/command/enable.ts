import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "switch a plugin on: disabled, failed, or in quarantine",
  usage: "ID",
  async run(invocation) {
    const pluginId = onlyArgument(invocation.args, "a plugin's id");
    const { id, version, state } = await withHost(invocation, (host) => host.enable(pluginId));
    return { json: { ok: true, id, version, state }, text: `${id} is enabled` };
  },
};
