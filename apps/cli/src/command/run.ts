import { quote } from "@berth/base";
import type { HostAccess } from "../host-access.ts";
import { SECURITY_LEVELS, explainDataLabel } from "@berth/spec";
import type { DataLabel, SecurityLevel } from "@berth/spec";

import type { Command, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { formatJson } from "../terminal.ts";
import { withHost } from "../with-host.ts";

function readLevel(text: string | undefined): SecurityLevel | undefined {
  const level = SECURITY_LEVELS.find((each) => each === text);
  if (text !== undefined && level === undefined)
    throw new CliError("CLI_USAGE", `expected --level to be ${SECURITY_LEVELS.join(", ")}; found ${quote(text)}`);
  return level;
}

export const command: Command = {
  summary: "run an action of an installed plugin",
  usage: "ID ACTION [--input FILE|-] [--user NAME] [--level LEVEL]",
  options: {
    input: { type: "string", value: "FILE", help: "JSON for the action; - reads standard input; left out means {}" },
    user: { type: "string", value: "NAME", help: "call on behalf of this user, who has storage of their own" },
    level: {
      type: "string",
      value: "LEVEL",
      help: "run at this security level, or at the plugin's own if that is higher",
    },
  },
  async run(invocation) {
    const [id, action, ...rest] = invocation.args;
    if (id === undefined || action === undefined || rest.length > 0)
      throw new CliError("CLI_USAGE", "expected a plugin's id and the name of an action");
    const file = invocation.text("input");
    const input = file === undefined ? new TextEncoder().encode("{}") : await readInput(file);
    const level = readLevel(invocation.text("level"));
    const stop = new AbortController();
    const onInterrupt = (): void => stop.abort();
    process.once("SIGINT", onInterrupt);
    try {
      const run = async (host: HostAccess): Promise<Outcome> => {
        const startedAt = performance.now();
        const user = invocation.text("user");
        let label: DataLabel | undefined;
        const output = await host.callBytes(id, action, input, {
          signal: stop.signal,
          onLabel(found) {
            label = found;
            invocation.terminal.say(`this holds data of the user's, which ${explainDataLabel(found)}`);
          },
          ...(user !== undefined && { caller: user }),
        });
        const durationMs = Math.round((performance.now() - startedAt) * 10) / 10;
        const value: unknown = JSON.parse(new TextDecoder().decode(output));
        return {
          json: { ok: true, output: value, durationMs, ...(label !== undefined && { label }) },
          text: formatJson(value, 2),
        };
      };
      return await withHost(invocation, run, { level });
    } finally {
      process.off("SIGINT", onInterrupt);
    }
  },
};
