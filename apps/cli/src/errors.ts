import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const cliErrors = {
  CLI_USAGE: {
    kind: "usage",
    meaning: "A command was called wrongly.",
    cause: "An unknown command or option, or a missing argument.",
    remedy: "`berth help COMMAND` shows how it is called.",
  },
  CLI_FILE_UNREADABLE: {
    kind: "input",
    meaning: "A file or folder named on the command line cannot be read.",
    cause: "It does not exist, or its permissions forbid it.",
    remedy: "Check the path.",
  },
  CLI_FILE_UNWRITABLE: {
    kind: "environment",
    meaning: "A file cannot be written.",
    cause: "The folder is missing or read-only, or the disk is full.",
    remedy: "Check the path and the free space.",
  },
  CLI_TARGET_EXISTS: {
    kind: "input",
    meaning: "A command would overwrite something.",
    cause: "The folder or file to be made exists already.",
    remedy: "Choose another name, or remove it first.",
  },
  CLI_BUNDLE_FAILED: {
    kind: "input",
    meaning: "A plugin's source could not be bundled.",
    cause: "A syntax error, an import that cannot be found, or an import of a Node module.",
    remedy: "Correct the place that the message names. Plugins reach the outside only through their context.",
  },
  CLI_CONSENT_NEEDED: {
    kind: "denied",
    meaning: "A question needs a person, and there is none.",
    cause: "Standard input is not a terminal, and `--yes` with `--grant` and `--trust` did not answer.",
    remedy: "Run the command in a terminal, or answer with options after reading what the plugin asks for.",
  },
  CLI_DECLINED: {
    kind: "denied",
    meaning: "The person at the terminal said no.",
    cause: "The question was answered with anything but y or yes.",
    remedy: "None needed: nothing was changed.",
  },
} as const satisfies Record<string, ErrorRow>;

export type CliErrorCode = keyof typeof cliErrors;

/** Refusals of the command line itself. */
export class CliError extends CodedError<CliErrorCode> {
  constructor(code: CliErrorCode, message: string, extras?: ErrorExtras) {
    super(cliErrors, code, message, extras);
  }
}
