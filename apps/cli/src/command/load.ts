import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "start a plugin of the running host ahead of its first call",
  usage: "ID",
  async run(invocation) {
    const id = onlyArgument(invocation.args, "a plugin's id");
    await withHost(invocation, (host) => host.load(id));
    return { json: { ok: true, id }, text: `${id} is loaded` };
  },
};
