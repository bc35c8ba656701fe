/** Decoders for constants. Each answers `undefined` for what it cannot decode and is bounded by its input. */

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const base64Values = new Map<string, number>(Array.from(BASE64, (letter, index) => [letter, index]));
base64Values.set("-", 62);
base64Values.set("_", 63);

const decoder = new TextDecoder("utf-8");

/** Base64 or base64url; missing padding and white space are accepted, as `atob` and `Buffer` accept them. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const letter of text) {
    if (letter === "=" || letter === "\n" || letter === "\r" || letter === " " || letter === "\t") continue;
    const value = base64Values.get(letter);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/iu.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1)
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  return bytes;
}

export function textOfBytes(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Percent-decoding that leaves what is malformed as it stands. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // Malformed sequences are legal input to `unescape`; keep the text.
    return text;
  }
}
