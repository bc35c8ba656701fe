import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "show and set the settings of a plugin",
  usage: "get ID | set ID FILE|-",
  async run(invocation) {
    const [verb, id, file, ...rest] = invocation.args;
    if (verb === "get" && id !== undefined && file === undefined) {
      const config = await withHost(invocation, (host) => host.config(id));
      return { json: { ok: true, id, config }, text: JSON.stringify(config, null, 2) };
    }
    if (verb !== "set" || id === undefined || file === undefined || rest.length > 0)
      throw new CliError("CLI_USAGE", `expected ${command.usage}`);
    const text = new TextDecoder().decode(await readInput(file));
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new CliError("CLI_USAGE", "the settings are not JSON", { cause: error });
    }
    await withHost(invocation, (host) => host.setConfig(id, value));
    return { json: { ok: true, id }, text: `set the settings of ${id}` };
  },
};
