import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "switch a plugin off; its grants and data stay",
  usage: "ID",
  async run(invocation) {
    const pluginId = onlyArgument(invocation.args, "a plugin's id");
    const { id, version, state } = await withHost(invocation, (host) => host.disable(pluginId));
    return { json: { ok: true, id, version, state }, text: `${id} is disabled` };
  },
};
