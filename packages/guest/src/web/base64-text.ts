/** `atob` and `btoa` (html.spec.whatwg.org, 8.3; infra.spec.whatwg.org, 8). */
import { namedError } from "./named-error.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Characters that become text at a time: a string that grows by single characters is a rope. */
const CHUNK = 4_096;

const valueOf = (code: number): number =>
  code >= 65 && code <= 90
    ? code - 65
    : code >= 97 && code <= 122
      ? code - 71
      : code >= 48 && code <= 57
        ? code + 4
        : code === 43
          ? 62
          : 63;

export function btoa(input: unknown): string {
  const text = String(input);
  let output = "";
  for (let index = 0; index < text.length; index += 3) {
    const [a, b, c] = [text.charCodeAt(index), text.charCodeAt(index + 1), text.charCodeAt(index + 2)];
    // Past the end a code is NaN, which is not greater.
    if (a > 255 || b > 255 || c > 255)
      throw namedError("InvalidCharacterError", "btoa takes characters up to U+00FF, one for each byte");
    output += ALPHABET.charAt(a >> 2) + ALPHABET.charAt(((a & 3) << 4) | (b >> 4));
    output += index + 1 < text.length ? ALPHABET.charAt(((b & 15) << 2) | (c >> 6)) : "=";
    output += index + 2 < text.length ? ALPHABET.charAt(c & 63) : "=";
  }
  return output;
}

export function atob(input: unknown): string {
  let text = String(input).replace(/[\t\n\f\r ]/gu, "");
  if (text.length % 4 === 0) text = text.replace(/={1,2}$/u, "");
  if (text.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/u.test(text))
    throw namedError("InvalidCharacterError", "atob takes base64 text");
  let output = "";
  let codes: number[] = [];
  for (let index = 0; index < text.length; index += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((step) =>
      index + step < text.length ? valueOf(text.charCodeAt(index + step)) : 0,
    );
    codes.push((a << 2) | (b >> 4));
    if (index + 2 < text.length) codes.push(((b & 15) << 4) | (c >> 2));
    if (index + 3 < text.length) codes.push(((c & 3) << 6) | d);
    if (codes.length < CHUNK) continue;
    output += String.fromCharCode(...codes);
    codes = [];
  }
  return output + String.fromCharCode(...codes);
}
