/** One sample: JavaScript as plain text, or the files of a package (one file alone is scanned by itself). */
export type Sample = string | Readonly<Record<string, string>>;

/** A technique with programs that use it and honest ones that look alike. Nothing here is ever run. */
export interface Technique {
  readonly name: string;
  readonly hostile: readonly Sample[];
  readonly honest: readonly Sample[];
}

/** An address that no machine has. */
export const DROP = "https://drop.example.invalid";

export const base64 = (text: string): string => Buffer.from(text).toString("base64");
export const hex = (text: string): string => Buffer.from(text).toString("hex");
export const codes = (text: string, shift = 0): string =>
  Array.from(text, (letter) => letter.charCodeAt(0) + shift).join(",");
export const reversed = (text: string): string => Array.from(text).toReversed().join("");

/** Every way of combining the parts. */
export function combine(first: readonly string[], second: readonly ((part: string) => string)[]): string[] {
  return first.flatMap((part) => second.map((use) => use(part)));
}
