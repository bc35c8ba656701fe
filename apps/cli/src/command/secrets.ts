import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "fill in and erase the secrets that a plugin's manifest names; exchange the key that seals them",
  usage: "list ID | set ID NAME | remove ID NAME | rotate [--operator-key FILE]",
  options: {
    "operator-key": {
      type: "string",
      value: "FILE",
      help: "with rotate: the age identity that opens the secrets from now on, in place of operator.agekey",
    },
  },
  async run(invocation) {
    const [verb, id, name, ...rest] = invocation.args;
    const operatorKeyFile = invocation.text("operator-key");
    if (verb === "rotate" && id === undefined) return rotate(invocation, operatorKeyFile);
    if (operatorKeyFile !== undefined) throw new CliError("CLI_USAGE", "--operator-key goes with rotate");
    const isList = verb === "list" && name === undefined;
    const isChange = (verb === "set" || verb === "remove") && name !== undefined && rest.length === 0;
    if (id === undefined || !(isList || isChange)) throw new CliError("CLI_USAGE", `expected ${command.usage}`);
    if (name === undefined) {
      const secrets = await withHost(invocation, (host) => host.secrets(id));
      const lines = secrets.map((secret) => `${secret.name.padEnd(32)} version ${secret.version}, set ${secret.setAt}`);
      return {
        json: { ok: true, id, secrets },
        text: lines.length === 0 ? `no secret of ${id} is set` : lines.join("\n"),
      };
    }
    if (verb === "remove") {
      const removed = await withHost(invocation, (host) => host.removeSecret(id, name));
      return {
        json: { ok: true, id, name, removed },
        text: removed ? `erased ${name} of ${id}` : `${name} of ${id} was not set`,
      };
    }
    // Never as an argument: those stand in the shell's history and in the list of processes.
    const { terminal } = invocation;
    const value = terminal.isInteractive
      ? await terminal.askSecret(`${name} of ${id}`)
      : new TextDecoder().decode(await readInput("-")).replace(/\r?\n$/, "");
    const { version } = await withHost(invocation, (host) => host.setSecret(id, name, value));
    return { json: { ok: true, id, name, version }, text: `set ${name} of ${id}, version ${version}` };
  },
};

async function rotate(invocation: Invocation, operatorKeyFile: string | undefined): Promise<Outcome> {
  const options =
    operatorKeyFile === undefined ? {} : { operatorKey: new TextDecoder().decode(await readInput(operatorKeyFile)) };
  const rotation = await withHost(invocation, (host) => host.rotateSecrets(options));
  const opener = rotation.hasNewOperatorKey ? "; another operator's key opens it" : "";
  // A host of an earlier version says nothing of it.
  const rest =
    (rotation.isOldGone as boolean | undefined) === false
      ? "\nthe old key, or what it sealed, is not off the disk yet: rotate again"
      : "";
  return {
    json: { ok: true, ...rotation },
    text: `sealed ${rotation.resealed} values anew with a new key${opener}${rest}`,
  };
}
