import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "remove a plugin with its grants and stored data",
  usage: "ID",
  async run(invocation) {
    const id = onlyArgument(invocation.args, "a plugin's id");
    await withHost(invocation, (host) => host.uninstall(id));
    return {
      json: { ok: true, id },
      text: `uninstalled ${id}; its grants and stored data are erased, the journal stays`,
    };
  },
};
