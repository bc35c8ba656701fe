/** TextEncoder and TextDecoder for engines without them. UTF-8 only; the WHATWG Encoding standard otherwise. */

export class GuestTextEncoder {
  get encoding(): string {
    return "utf-8";
  }

  encode(input = ""): Uint8Array {
    const text = String(input).toWellFormed();
    let bytes = new Uint8Array(text.length + 16);
    let length = 0;
    for (let index = 0; index < text.length; index += 1) {
      let code = text.charCodeAt(index);
      if (code >= 0xd800 && code <= 0xdbff) {
        index += 1;
        code = 0x10000 + ((code - 0xd800) << 10) + (text.charCodeAt(index) - 0xdc00);
      }
      if (length + 4 > bytes.length) {
        const larger = new Uint8Array(bytes.length * 2 + 4);
        larger.set(bytes);
        bytes = larger;
      }
      if (code < 0x80) {
        bytes[length++] = code;
      } else if (code < 0x800) {
        bytes[length++] = 0xc0 | (code >> 6);
        bytes[length++] = 0x80 | (code & 0x3f);
      } else if (code < 0x10000) {
        bytes[length++] = 0xe0 | (code >> 12);
        bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[length++] = 0x80 | (code & 0x3f);
      } else {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[length++] = 0x80 | (code & 0x3f);
      }
    }
    return bytes.slice(0, length);
  }

  encodeInto(source: string, destination: Uint8Array): { read: number; written: number } {
    let read = 0;
    let written = 0;
    for (const character of source) {
      const bytes = this.encode(character);
      if (written + bytes.length > destination.length) break;
      destination.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const REPLACEMENT = 0xfffd;
const BYTE_ORDER_MARK = 0xfeff;

export class GuestTextDecoder {
  readonly #isFatal: boolean;
  readonly #keepsBom: boolean;
  /** The beginning of a character whose rest is in the next part. */
  #rest = new Uint8Array(0);
  #isAtStart = true;

  constructor(label = "utf-8", options: { fatal?: boolean; ignoreBOM?: boolean } = {}) {
    if (!["utf-8", "utf8", "unicode-1-1-utf-8"].includes(String(label).trim().toLowerCase())) {
      throw new RangeError(`The encoding ${JSON.stringify(label)} is not available; only utf-8 is`);
    }
    this.#isFatal = options.fatal === true;
    this.#keepsBom = options.ignoreBOM === true;
  }

  get encoding(): string {
    return "utf-8";
  }

  get fatal(): boolean {
    return this.#isFatal;
  }

  get ignoreBOM(): boolean {
    return this.#keepsBom;
  }

  decode(input?: ArrayBuffer | ArrayBufferView, options: { stream?: boolean } = {}): string {
    const isPart = options.stream === true;
    const bytes = this.#take(input);
    let text = "";
    let units: number[] = [];
    let index = 0;
    while (index < bytes.length) {
      const { code, length, isCut } = readCodePoint(bytes, index);
      if (isCut === true && isPart) {
        this.#rest = bytes.slice(index);
        break;
      }
      const isBom = this.#isAtStart && code === BYTE_ORDER_MARK && !this.#keepsBom;
      this.#isAtStart = false;
      if (code === undefined && this.#isFatal) {
        this.#isAtStart = true;
        throw new TypeError("The encoded data was not valid utf-8");
      }
      if (code === undefined) units.push(REPLACEMENT);
      else if (code < 0x10000 && !isBom) units.push(code);
      else if (!isBom) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
      index += length;
      if (units.length > 4_096) {
        text += String.fromCharCode(...units);
        units = [];
      }
    }
    if (!isPart) this.#isAtStart = true;
    return text + String.fromCharCode(...units);
  }

  /** The bytes to read now, with what the last part left. */
  #take(input: ArrayBuffer | ArrayBufferView | undefined): Uint8Array {
    const rest = this.#rest;
    const bytes =
      input === undefined
        ? new Uint8Array(0)
        : ArrayBuffer.isView(input)
          ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
          : new Uint8Array(input);
    if (rest.length === 0) return bytes;
    this.#rest = new Uint8Array(0);
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    return all;
  }
}

/**
 * One code point at `index`; without `code` for a maximal invalid part (Unicode 16, table 3-7), which `isCut` when
 * more bytes could make it valid.
 */
function readCodePoint(bytes: Uint8Array, index: number): { code?: number; length: number; isCut?: boolean } {
  const first = bytes[index] as number;
  if (first < 0x80) return { code: first, length: 1 };
  const count =
    first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0;
  if (count === 0) return { length: 1 };
  let code = first & (0x3f >> count);
  for (let step = 1; step <= count; step += 1) {
    const next = bytes[index + step];
    const lowest = step === 1 && first === 0xe0 ? 0xa0 : step === 1 && first === 0xf0 ? 0x90 : 0x80;
    const highest = step === 1 && first === 0xed ? 0x9f : step === 1 && first === 0xf4 ? 0x8f : 0xbf;
    if (next === undefined) return { length: step, isCut: true };
    if (next < lowest || next > highest) return { length: step };
    code = (code << 6) | (next & 0x3f);
  }
  return { code, length: count + 1 };
}
