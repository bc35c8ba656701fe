import { cut, reportOf } from "@berth/base";
import type { ErrorReport } from "@berth/base";

/** Characters of one refusal: 20 mistakes of a manifest, each told in a line. */
const MAX_MESSAGE = 2_000;
const MAX_HINT = 500;
/** Characters of each further refusal, once those before it have used up what their folder may have. */
const SHORT_MESSAGE = 100;

/** A refusal for a list: what it says is in part a stranger's text, and its details may be all of it. */
export function refusalOf(error: unknown): ErrorReport {
  const { code, message, hint } = reportOf(error);
  return { code, message: cut(message, MAX_MESSAGE), ...(hint !== undefined && { hint: cut(hint, MAX_HINT) }) };
}

/**
 * What the refusals of one folder may say in all. A list holds up to 2,001 of each folder, and is one answer over
 * HTTP for up to 16: with 200,000 characters for a folder they say 6.5 million in all at worst, and 80 million
 * without. Codes are always told.
 */
export class RefusalTexts {
  #left: number;

  constructor(maxChars: number) {
    this.#left = maxChars;
  }

  shorten({ code, message, hint }: ErrorReport): ErrorReport {
    this.#left -= message.length + (hint?.length ?? 0);
    if (this.#left < 0) return { code, message: cut(message, SHORT_MESSAGE) };
    return { code, message, ...(hint !== undefined && { hint }) };
  }
}
