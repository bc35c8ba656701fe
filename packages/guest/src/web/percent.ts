/** Percent-encoding as the URL Standard has it (url.spec.whatwg.org, 1.3). */

/** ASCII characters, beside the controls, that a part of a URL encodes. */
const FRAGMENT = ' "<>`';
const QUERY = ' "#<>';
const PATH = `${QUERY}?^\`{}`;
const USERINFO = `${PATH}/:;=@[\\]|`;

export const EncodeSet = {
  control: new Set(""),
  fragment: new Set(FRAGMENT),
  query: new Set(QUERY),
  specialQuery: new Set(`${QUERY}'`),
  path: new Set(PATH),
  userinfo: new Set(USERINFO),
  form: new Set(`${USERINFO}$%&+,!'()~`),
} as const;

const { fromCharCode } = String;
/** The engine's own: it knows UTF-8. */
const encodeUtf8 = encodeURIComponent;

const hexOf = (code: number): string => `%${code < 16 ? "0" : ""}${code.toString(16).toUpperCase()}`;

/** One code point of well-formed text, encoded when `set` holds it or it is not printable ASCII. */
export function encodeCharacter(character: string, set: ReadonlySet<string>): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0x7e) return code === 0x7f ? "%7F" : encodeUtf8(character);
  return code < 0x20 || set.has(character) ? hexOf(code) : character;
}

export function encodeText(text: string, set: ReadonlySet<string>): string {
  let encoded = "";
  for (const character of text) encoded += encodeCharacter(character, set);
  return encoded;
}

const ESCAPES = /%[0-9a-f]{2}/giu;

/**
 * Bytes of well-formed text, with every `%XX` replaced, as a string of one character for each byte.
 */
function decodeToBinary(text: string): string {
  // Everything beyond ASCII becomes `%XX` first, so that what is left are bytes.
  const ascii = text.replace(/[^\0-\x7f]+/gu, (part) => encodeUtf8(part));
  return ascii.replace(ESCAPES, (escape) => fromCharCode(Number(`0x${escape.slice(1)}`)));
}

/** Percent-decodes to text; bytes that are not UTF-8 become U+FFFD. `decode` reads UTF-8, byte-order marks kept. */
export function decodePercent(text: string, decode: (bytes: Uint8Array) => string): string {
  if (!text.includes("%")) return text;
  const binary = decodeToBinary(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return decode(bytes);
}
