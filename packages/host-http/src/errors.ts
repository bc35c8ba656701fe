import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const hostHttpErrors = {
  HOST_API_PLAN_UNKNOWN: {
    kind: "input",
    meaning: "No plan of that id waits for consent.",
    cause: "Plans are kept for ten minutes, a few at a time, and each is used once.",
    remedy: "Plan again.",
  },
  HOST_API_PACKAGE_UNKNOWN: {
    kind: "input",
    meaning: "No uploaded package of that id is at hand.",
    cause: "Packages are kept for ten minutes, a few at a time, and each is used once.",
    remedy: "Upload the package again.",
  },
  HOST_API_BODY_INVALID: {
    kind: "input",
    meaning: "The input of an action that streams cannot be read.",
    cause: "It is no JSON text in UTF-8, or has more than 1 MiB.",
    remedy: "Send JSON of at most 1 MiB.",
  },
  HOST_API_ITEM_HAS_BYTES: {
    kind: "input",
    meaning: "An action gave an item that cannot be sent as a line of JSON.",
    cause: "The item holds bytes; lines are text.",
    remedy: "Run the action from the embedding program, or have it answer in text.",
  },
  HOST_API_BROWSER_REFUSED: {
    kind: "denied",
    meaning: "A web page tried to speak to the host.",
    cause:
      "The request carries an `Origin` header, as browsers send it, or names a host other than 127.0.0.1 and localhost. This API is for programs of this machine.",
    remedy: "Use the command line, or a program that holds the token.",
  },
} as const satisfies Record<string, ErrorRow>;

export type HostHttpErrorCode = keyof typeof hostHttpErrors;

/** Refusals of the host's REST API itself. */
export class HostHttpError extends CodedError<HostHttpErrorCode> {
  constructor(code: HostHttpErrorCode, message: string, extras?: ErrorExtras) {
    super(hostHttpErrors, code, message, extras);
  }
}
