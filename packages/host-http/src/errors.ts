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
