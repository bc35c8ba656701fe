import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "run an action of an installed plugin",
  usage: "ID ACTION [--input FILE|-] [--user NAME]",
  options: {
    input: { type: "string", value: "FILE", help: "JSON for the action; - reads standard input; left out means {}" },
    user: { type: "string", value: "NAME", help: "call on behalf of this user, who has storage of their own" },
  },
  async run(invocation) {
    const [id, action, ...rest] = invocation.args;
    if (id === undefined || action === undefined || rest.length > 0)
      throw new CliError("CLI_USAGE", "expected a plugin's id and the name of an action");
    const file = invocation.text("input");
    const input = file === undefined ? new TextEncoder().encode("{}") : await readInput(file);
    const stop = new AbortController();
    const onInterrupt = (): void => stop.abort();
    process.once("SIGINT", onInterrupt);
    try {
      return await withHost(invocation, async (host) => {
        const startedAt = performance.now();
        const user = invocation.text("user");
        const output = await host.callBytes(id, action, input, {
          signal: stop.signal,
          ...(user !== undefined && { caller: user }),
        });
        const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
        const value: unknown = JSON.parse(new TextDecoder().decode(output));
        return { json: { ok: true, output: value, durationMs }, text: JSON.stringify(value, null, 2) };
      });
    } finally {
      process.off("SIGINT", onInterrupt);
    }
  },
};
