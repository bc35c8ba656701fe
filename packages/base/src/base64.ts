/** Formats bytes as base64 (RFC 4648, section 4, with padding). */
export function formatBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8_192) binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return btoa(binary);
}

/** Reads canonical base64: exactly the text that `formatBase64` writes; `undefined` for anything else. */
export function tryParseBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined; // Not base64 at all.
  }
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  // The decoder forgives spaces, missing padding and stray bits; one value has one text here.
  return formatBase64(bytes) === text ? bytes : undefined;
}
