import { gzipSync } from "node:zlib";

const BLOCK = 512;

/** Fields of a header, each of which may lie. */
export interface RawEntry {
  readonly name?: string | Uint8Array;
  readonly type?: string;
  readonly body?: string | Uint8Array;
  /** Text of the size field, instead of the body's size. */
  readonly sizeField?: string;
  readonly mode?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
  readonly checksum?: number;
}

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text;

/** One entry with full control of its header: header, body and padding. */
export function rawEntry({
  name = "a.txt",
  type = "0",
  body = "",
  sizeField,
  mode = "0000644\0",
  link = "",
  magic = "ustar\x0000",
  prefix = "",
  checksum,
}: RawEntry): Uint8Array {
  const content = bytesOf(body);
  const block = new Uint8Array(BLOCK + Math.ceil(content.length / BLOCK) * BLOCK);
  const put = (at: number, text: string | Uint8Array): void => block.set(bytesOf(text), at);
  put(0, name);
  put(100, mode);
  put(124, sizeField ?? `${content.length.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, type);
  put(157, link);
  put(257, magic);
  put(345, prefix);
  let sum = 0;
  for (const byte of block.subarray(0, BLOCK)) sum += byte;
  put(148, `${(checksum ?? sum).toString(8).padStart(6, "0")}\0 `);
  block.set(content, BLOCK);
  return block;
}

/** A tar of raw entries; `end` blocks of zeros close it. */
export function rawTar(entries: readonly RawEntry[], end = 2): Uint8Array {
  return Buffer.concat([...entries.map(rawEntry), new Uint8Array(end * BLOCK)]);
}

export const gzipped = (bytes: Uint8Array): Uint8Array => gzipSync(bytes);

/** One PAX record with a right length. */
export function pax(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length += 1;
  return `${length} ${key}=${value}\n`;
}
