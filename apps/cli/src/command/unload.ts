import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "end a plugin's running instances; its next call starts afresh",
  usage: "ID",
  async run(invocation) {
    const id = onlyArgument(invocation.args, "a plugin's id");
    await withHost(invocation, (host) => host.unload(id));
    return { json: { ok: true, id }, text: `${id} runs no more` };
  },
};
