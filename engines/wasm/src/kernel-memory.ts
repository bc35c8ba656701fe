import { refused } from "./refusal.ts";

const PAGE_BYTES = 65_536;
/** Offset 0 means "none". */
const FIRST_OFFSET = 16;
const ALIGNMENT = 16;
/** Blocks that a call may hold at a time; each is an entry outside the memory that it lies in. */
const MAX_BLOCKS = 65_536;

/**
 * The memory in which an Extism plug-in and its host hand each other values: blocks at offsets, written and
 * read byte by byte or in words of eight. It belongs to one call.
 */
export class KernelMemory {
  readonly #maxBytes: number;
  #bytes = Buffer.alloc(PAGE_BYTES);
  #top = FIRST_OFFSET;
  /** Length of each block, by offset. */
  readonly #blocks = new Map<number, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws a refusal: LIMIT */
  allocate(length: number): number {
    const offset = this.#top;
    // Lengths are the plugin's: beyond 2^53 they are not exact any more, but far beyond the limit.
    const end = offset + Math.ceil(Math.max(length, 1) / ALIGNMENT) * ALIGNMENT;
    if (end > this.#maxBytes)
      throw refused("LIMIT", `a call may exchange ${this.#maxBytes} bytes with its host, it asks for more`);
    if (this.#blocks.size >= MAX_BLOCKS)
      throw refused("LIMIT", `a call may hold ${MAX_BLOCKS} blocks of memory, it asks for more`);
    this.#reserve(end);
    this.#blocks.set(offset, length);
    this.#top = end;
    return offset;
  }

  /** A block with these bytes. */
  write(bytes: Uint8Array): number {
    const offset = this.allocate(bytes.length);
    this.#bytes.set(bytes, offset);
    return offset;
  }

  /** Only the last block's memory is used again: a call is short. */
  free(offset: number): void {
    const length = this.#blocks.get(offset);
    if (length === undefined) return;
    this.#blocks.delete(offset);
    if (offset + Math.ceil(Math.max(length, 1) / ALIGNMENT) * ALIGNMENT === this.#top) this.#top = offset;
  }

  lengthOf(offset: number): number {
    return this.#blocks.get(offset) ?? 0;
  }

  /** A copy of a block, or of a part of the memory. @throws a refusal: INVALID */
  read(offset: number, length = this.lengthOf(offset)): Uint8Array {
    this.#check(offset, length);
    return new Uint8Array(this.#bytes.subarray(offset, offset + length));
  }

  /** The text of a block. */
  text(offset: number): string {
    return this.#bytes.toString("utf8", offset, offset + this.lengthOf(offset));
  }

  loadByte(offset: number): number {
    this.#check(offset, 1);
    return this.#bytes[offset] as number;
  }

  loadWord(offset: number): bigint {
    this.#check(offset, 8);
    return this.#bytes.readBigUInt64LE(offset);
  }

  storeByte(offset: number, value: number): void {
    this.#check(offset, 1);
    this.#bytes[offset] = value;
  }

  storeWord(offset: number, value: bigint): void {
    this.#check(offset, 8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), offset);
  }

  /** Forgets everything: nothing of one call is there in the next. */
  clear(): void {
    if (this.#bytes.length > PAGE_BYTES) this.#bytes = Buffer.alloc(PAGE_BYTES);
    else this.#bytes.fill(0);
    this.#top = FIRST_OFFSET;
    this.#blocks.clear();
  }

  /** Like a WebAssembly memory it has whole pages; a kit may write a little beyond a block. */
  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const pages = Math.ceil(Math.max(end, this.#bytes.length * 2) / PAGE_BYTES);
    const larger = Buffer.alloc(Math.min(pages * PAGE_BYTES, Math.ceil(this.#maxBytes / PAGE_BYTES) * PAGE_BYTES));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.#bytes.length)
      throw refused("INVALID", `the plugin reads or writes outside the memory it shares with its host`);
  }
}
