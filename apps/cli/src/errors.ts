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
  CLI_FILE_TOO_LARGE: {
    kind: "input",
    meaning: "A file named on the command line is larger than any that Berth accepts.",
    cause: "Another file than intended was named, or a device that never ends.",
    remedy: "Check the path. Packages and archives hold at most 64 MiB.",
  },
  CLI_FILE_UNWRITABLE: {
    kind: "environment",
    meaning: "A file cannot be written.",
    cause:
      "The folder is missing or read-only, the disk is full, or a file that is rewritten could not stay with its owner and group.",
    remedy: "Check the path, the free space, and whose the file is.",
  },
  CLI_TARGET_EXISTS: {
    kind: "input",
    meaning: "A command would overwrite something.",
    cause: "The folder or file to be made exists already.",
    remedy: "Choose another name, or remove it first.",
  },
  CLI_MANIFEST_DIFFERS: {
    kind: "input",
    meaning: "Permissions are to be written into a manifest that is not the one which the runs were of.",
    cause:
      "The folder is another plugin's, or its permissions were edited since it was tried with `berth dev` or installed.",
    remedy:
      "Let the folder work as it is, with `berth dev` or as a new release, and ask again; or copy what `berth permissions suggest` prints.",
  },
  CLI_RUNS_INCOMPLETE: {
    kind: "input",
    meaning: "The journal tells too little to take permissions out of a manifest.",
    cause: "The plugin used nothing so far, or the journal did not keep all that it used.",
    remedy:
      "Let the plugin do all of its work first. What `berth permissions suggest` prints can be copied by hand where it is enough.",
  },
  CLI_BUNDLE_FAILED: {
    kind: "input",
    meaning: "A plugin's source could not be bundled.",
    cause: "A syntax error, an import that cannot be found, or an import of a Node module.",
    remedy: "Correct the place that the message names. Plugins reach the outside only through their context.",
  },
  CLI_STREAM_TOO_LONG: {
    kind: "limit",
    meaning: "An action streams more than fits into one document.",
    cause: "With `--json` a command prints one document, which holds at most 10,000 items and 16 MiB of them.",
    remedy: "Run it without `--json`: items are printed line by line, as JSON, however many there are.",
  },
  CLI_CONSENT_NEEDED: {
    kind: "denied",
    meaning: "A question needs a person, and there is none.",
    cause: "Standard input is not a terminal, and `--yes` with `--grant` and `--trust` did not answer.",
    remedy: "Run the command in a terminal, or answer with options after reading what the plugin asks for.",
  },
  CLI_NO_REGISTRY: {
    kind: "usage",
    meaning: "A command needs a registry, and none is known.",
    cause: "No registry is configured in this data directory, and none was named.",
    remedy: "`berth registry add NAME URL`, or `--registry URL`, or BERTH_REGISTRY.",
  },
  CLI_HOST_RUNS: {
    kind: "environment",
    meaning: "A command cannot be done through the host that runs on the data directory.",
    cause: "`berth host start` runs there; a few commands need the data directory for themselves.",
    remedy: "End the running host, then try again.",
  },
  CLI_PASSPHRASE_DIFFERS: {
    kind: "input",
    meaning: "A new passphrase was typed in two ways.",
    cause: "A slip of the fingers.",
    remedy: "Run the command again. Nothing was made.",
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
