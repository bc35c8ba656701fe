import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument } from "../files.ts";
import { parsePluginName } from "../plugin-spec.ts";
import { registryOptions, tokenOptions, withRegistry } from "../registry-access.ts";

export const command: Command = {
  summary: "advise against a plugin or one of its releases",
  usage: "ID[@VERSION] --message TEXT [--replacement ID] | ID[@VERSION] --undo",
  options: {
    ...registryOptions,
    ...tokenOptions,
    message: { type: "string", value: "TEXT", help: "the advice, in a sentence that everybody can read" },
    replacement: { type: "string", value: "ID", help: "the plugin to use in its place" },
    undo: { type: "boolean", help: "take the advice back" },
  },
  async run(invocation) {
    const { id, version } = parsePluginName(onlyArgument(invocation.args, "a plugin as ID or ID@VERSION"));
    const message = invocation.text("message");
    const replacement = invocation.text("replacement");
    const isUndone = invocation.isSet("undo");
    if (isUndone === (message !== undefined))
      throw new CliError("CLI_USAGE", "expected either --message TEXT or --undo");
    return withRegistry(invocation, async ({ url, api }) => {
      if (message === undefined) await api.undeprecate(id, version);
      else await api.deprecate(id, version, { message, ...(replacement !== undefined && { replacement }) });
      const what = version === undefined ? id : `${id} ${version}`;
      return {
        json: { ok: true, registry: url.href, id, ...(version !== undefined && { version }), deprecated: !isUndone },
        text: isUndone ? `${what} is not deprecated any more` : `${what} is deprecated`,
      };
    });
  },
};
