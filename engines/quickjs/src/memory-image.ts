/** Granularity of an image: smaller pages make it smaller and slower to walk. */
const PAGE_BYTES = 4_096;
const WORDS_PER_PAGE = PAGE_BYTES / 4;

/** Pages that are not zero, one after the other. */
export interface Run {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Gap {
  readonly start: number;
  readonly end: number;
}

/**
 * What a memory held at one moment from some address on: the pages that are not zero, and where the others
 * are. Restoring writes the first and zeroes all the others, so afterwards that part of the memory equals the
 * moment byte for byte, whatever was written to it in between.
 */
export class MemoryImage {
  /** Size of the memory it was taken from. */
  readonly sizeBytes: number;
  readonly runs: readonly Run[];
  readonly #gaps: readonly Gap[];

  /** The runs of a memory from `from` on, in order and apart; all between them is zero. */
  constructor(sizeBytes: number, from: number, runs: readonly Run[]) {
    this.sizeBytes = sizeBytes;
    this.runs = runs;
    const gaps: Gap[] = [];
    let start = from;
    for (const { offset, bytes } of runs) {
      if (offset > start) gaps.push({ start, end: offset });
      start = offset + bytes.length;
    }
    if (start < sizeBytes) gaps.push({ start, end: sizeBytes });
    this.#gaps = gaps;
  }

  /** Bytes of the pages that are not zero. */
  get imageBytes(): number {
    return this.runs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** `from` is a multiple of the page size. */
  static take(memory: ArrayBuffer, from: number): MemoryImage {
    const words = new Uint32Array(memory);
    const sizeBytes = memory.byteLength;
    const runs: Run[] = [];
    let start = from;
    while (start < sizeBytes) {
      const isZero = isZeroPage(words, start);
      let end = start + PAGE_BYTES;
      while (end < sizeBytes && isZeroPage(words, end) === isZero) end += PAGE_BYTES;
      if (!isZero) runs.push({ offset: start, bytes: new Uint8Array(memory.slice(start, end)) });
      start = end;
    }
    return new MemoryImage(sizeBytes, from, runs);
  }

  /**
   * Makes `memory` what it was, from the image's first address on, be it new or used: a new one holds what its
   * module starts with. The memory must have the image's size: one that grew cannot be restored.
   */
  restore(memory: Uint8Array): void {
    if (memory.length !== this.sizeBytes)
      throw new Error(`the memory has ${memory.length} bytes, its image ${this.sizeBytes}`);
    for (const { start, end } of this.#gaps) memory.fill(0, start, end);
    for (const { offset, bytes } of this.runs) memory.set(bytes, offset);
  }
}

function isZeroPage(words: Uint32Array, start: number): boolean {
  const first = start / 4;
  for (let index = first; index < first + WORDS_PER_PAGE; index += 1) if (words[index] !== 0) return false;
  return true;
}
