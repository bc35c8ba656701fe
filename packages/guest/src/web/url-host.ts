/** Hosts as the URL Standard has them (url.spec.whatwg.org, 3). `undefined` means that the text is no host. */
import { EncodeSet, decodePercent, encodeText } from "./percent.ts";
import { punycodeOf } from "./punycode.ts";

// oxlint-disable-next-line no-control-regex -- these are the characters that 3.1 forbids
const FORBIDDEN_IN_HOST = /[\0\t\n\r #/:<>?@[\\\]^|]/u;
// oxlint-disable-next-line no-control-regex -- these are the characters that 3.1 forbids
const FORBIDDEN_IN_DOMAIN = /[\0-\x20#%/:<>?@[\\\]^|\x7f]/u;
/** Characters that UTS 46 maps to nothing. */
const IGNORED =
  // oxlint-disable-next-line no-misleading-character-class -- each of them by itself
  /[\u00ad\u034f\u180b-\u180d\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff\u{1bca0}-\u{1bca3}\u{e0100}-\u{e01ef}]/gu;

/** Host parser (3.5). */
export function parseHost(text: string, isSpecial: boolean, decode: (bytes: Uint8Array) => string): string | undefined {
  if (text.startsWith("[")) {
    const pieces = text.endsWith("]") ? parseIpv6(text.slice(1, -1)) : undefined;
    return pieces && `[${formatIpv6(pieces)}]`;
  }
  if (!isSpecial) return FORBIDDEN_IN_HOST.test(text) ? undefined : encodeText(text, EncodeSet.control);
  const domain = domainToAscii(decodePercent(text, decode));
  if (domain === undefined || domain === "" || FORBIDDEN_IN_DOMAIN.test(domain)) return undefined;
  return endsInNumber(domain) ? parseIpv4(domain) : domain;
}

/**
 * Domain to ASCII (3.3). For characters beyond ASCII this is UTS 46 without its tables: compatibility
 * composition, lower case, and a refusal of everything invisible. The host reads a URL again before it acts.
 */
function domainToAscii(domain: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- ASCII, all of it
  if (/^[\0-\x7f]*$/u.test(domain)) return domain.toLowerCase();
  let mapped = "";
  for (const character of domain.replace(IGNORED, "").normalize("NFKC")) mapped += lowerCaseOf(character);
  mapped = mapped.normalize("NFKC").replaceAll("\u3002", ".");
  if (/[\p{C}\p{Z}\ufffd]/u.test(mapped)) return undefined;
  const labels = mapped.split(".").map((label) => {
    // Beside others a label that is encoded already would have to be checked, and no host begins with a mark.
    if (/^(?:xn--|\p{M})/u.test(label)) return undefined;
    return isAscii(label) ? label : `xn--${punycodeOf(label)}`;
  });
  return labels.includes(undefined) ? undefined : labels.join(".");
}

// oxlint-disable-next-line no-control-regex -- ASCII, all of it
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/u.test(text);

/** One character at a time: the end of a word must not change a sigma. UTS 46 keeps the sharp s. */
const lowerCaseOf = (character: string): string => (character === "\u1e9e" ? "\u00df" : character.toLowerCase());

/** Ends-in-a-number checker (3.5). */
function endsInNumber(domain: string): boolean {
  const parts = domain.split(".");
  if (parts.at(-1) === "") parts.pop();
  const last = parts.at(-1) ?? "";
  return /^\d+$/u.test(last) || /^0x[0-9a-f]*$/iu.test(last);
}

/** IPv4 parser (3.5). */
function parseIpv4(domain: string): string | undefined {
  const parts = domain.split(".");
  if (parts.at(-1) === "" && parts.length > 1) parts.pop();
  if (parts.length > 4) return undefined;
  const numbers = parts.map(parseIpv4Number);
  let address = 0;
  for (const [index, number] of numbers.entries()) {
    if (number === undefined) return undefined;
    const isLast = index === numbers.length - 1;
    if (number >= (isLast ? 256 ** (5 - numbers.length) : 256)) return undefined;
    address += isLast ? number : number * 256 ** (3 - index);
  }
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function parseIpv4Number(text: string): number | undefined {
  if (/^\d+$/u.test(text) && (text === "0" || !text.startsWith("0"))) return Number(text);
  if (/^0x[0-9a-f]*$/iu.test(text)) return text.length === 2 ? 0 : Number(text);
  return /^0[0-7]*$/u.test(text) ? Number(`0o${text}`) : undefined;
}

/** IPv6 parser (3.5): the eight pieces. */
function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half, index) => readPieces(half, index === halves.length - 1));
  if (left === undefined || (halves.length === 2 && right === undefined)) return undefined;
  if (right === undefined) return left.length === 8 ? left : undefined;
  const missing = 8 - left.length - right.length;
  return missing < 1 ? undefined : [...left, ...Array.from({ length: missing }, () => 0), ...right];
}

function readPieces(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const pieces: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/iu.test(part)) pieces.push(Number(`0x${part}`));
    else if (mayEndInIpv4 && index === parts.length - 1 && /^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/u.test(part)) {
      const bytes = part.split(".").map(Number);
      if (part.endsWith(".") || bytes.some((byte) => byte > 255)) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      pieces.push(a * 256 + b, c * 256 + d);
    } else return undefined;
  }
  return pieces;
}

/** IPv6 serialiser (3.6): the first longest run of two or more zeros becomes `::`. */
function formatIpv6(pieces: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at += 1) {
    let length = 0;
    while (at + length < 8 && pieces[at + length] === 0) length += 1;
    if (length > best.length) best = { at, length };
  }
  const join = (part: readonly number[]): string => part.map((piece) => piece.toString(16)).join(":");
  if (best.at < 0) return join(pieces);
  return `${join(pieces.slice(0, best.at))}::${join(pieces.slice(best.at + best.length))}`;
}
