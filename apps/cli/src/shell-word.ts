import { sanitize } from "@berth/base";

const PLAIN = /^[\w./+:@%=,-]+$/;

/**
 * Text as one word of a command that somebody may copy into a POSIX shell; `undefined` where that could not be
 * done as it is shown, because the text has characters that a terminal does not show as they are.
 */
export function tryFormatShellWord(text: string): string | undefined {
  if (PLAIN.test(text)) return text;
  if (sanitize(text, Number.POSITIVE_INFINITY) !== text) return undefined;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
