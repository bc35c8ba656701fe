import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument } from "../files.ts";
import { parseReleaseName } from "../plugin-spec.ts";
import { registryOptions, tokenOptions, withRegistry } from "../registry-access.ts";

export const command: Command = {
  summary: "take a published release out of choice; exact versions and locks still find it",
  usage: "ID@VERSION --reason TEXT | ID@VERSION --undo",
  options: {
    ...registryOptions,
    ...tokenOptions,
    reason: { type: "string", value: "TEXT", help: "why, in a sentence that everybody can read" },
    undo: { type: "boolean", help: "take the yank back" },
  },
  async run(invocation) {
    const { id, version } = parseReleaseName(onlyArgument(invocation.args, "a release as ID@VERSION"));
    const reason = invocation.text("reason");
    const isUndone = invocation.isSet("undo");
    if (isUndone === (reason !== undefined)) throw new CliError("CLI_USAGE", "expected either --reason TEXT or --undo");
    return withRegistry(invocation, async ({ url, api }) => {
      if (reason === undefined) await api.unyank(id, version);
      else await api.yank(id, version, reason);
      return {
        json: { ok: true, registry: url.href, id, version, yanked: !isUndone },
        text: isUndone ? `${id} ${version} may be chosen again` : `${id} ${version} is not chosen any more`,
      };
    });
  },
};
