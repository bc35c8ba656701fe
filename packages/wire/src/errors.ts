import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const wireErrors = {
  WIRE_VALUE_NOT_JSON: {
    kind: "input",
    meaning: "A value cannot cross to or from a plugin.",
    cause:
      "Only JSON values and Uint8Array cross. NaN, infinities, bigint, functions, symbols, class instances, cycles and deep nesting are refused at the sender.",
    remedy: "Convert the value at the path that the message names, for example a Date with toISOString().",
  },
  WIRE_FRAME_INVALID: {
    kind: "input",
    meaning: "The other end of a pipe sent bytes that are not a frame of the protocol.",
    cause: "A sandbox host that was taken over, or a version mismatch between embedding process and sandbox host.",
    remedy: "The sandbox host is ended. If it happens again, run `berth doctor`.",
  },
  WIRE_VALUE_TOO_LARGE: {
    kind: "limit",
    meaning: "A value is larger than the protocol carries.",
    cause: "Values are at most 64 MiB.",
    remedy: "Split the value into several calls.",
  },
} as const satisfies Record<string, ErrorRow>;

export type WireErrorCode = keyof typeof wireErrors;

/** Refusals of `@berth/wire`: values and frames that do not cross. */
export class WireError extends CodedError<WireErrorCode> {
  constructor(code: WireErrorCode, message: string, extras?: ErrorExtras) {
    super(wireErrors, code, message, extras);
  }
}
