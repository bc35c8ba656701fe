import { isCodedError } from "@berth/base";
import type { CodedError, ErrorExtras } from "@berth/base";

/** How every package's class of coded errors is made. */
type ErrorClass = new (code: string, message: string, extras: ErrorExtras) => CodedError;

/**
 * The same error with the package that it is about: of ten that are installed together, the message must
 * name the one that is refused. Code and kind stay, because callers match on them.
 */
export function aboutMember(error: unknown, id: string, version: string, registry: string | undefined): unknown {
  if (!isCodedError(error)) return error;
  const who = `${id} ${version}`;
  const from = registry === undefined ? "" : ` from ${registry}`;
  const message = error.message.includes(who) ? error.message : `${who}${from}: ${error.message}`;
  return new (error.constructor as ErrorClass)(error.code, message, {
    cause: error,
    ...(error.hint !== undefined && { hint: error.hint }),
    details: { ...error.details, plugin: id, version, registry: registry ?? null },
  });
}
