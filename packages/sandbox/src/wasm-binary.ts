import { concatBytes } from "@berth/base";

const HEADER_BYTES = 8;

/** Ids of sections (WebAssembly core specification 2.0, 5.5.2) that engines look at. */
export const WasmSection = { types: 1, imports: 2, tables: 4, memories: 5, globals: 6 } as const;

export interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

/** The sections of a module, in order. Checks lengths only: the rest is for the engine that compiles it. */
export function readSections(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  let offset = HEADER_BYTES;
  while (offset < wasm.length) {
    const id = wasm[offset] as number;
    const { value: size, end: start } = readUint(wasm, offset + 1);
    if (start + size > wasm.length) throw new Error("a section of the module is longer than the module");
    sections.push({ id, body: wasm.subarray(start, start + size) });
    offset = start + size;
  }
  return sections;
}

/** A module with the same header and these sections. */
export function writeSections(wasm: Uint8Array, sections: readonly Section[]): Uint8Array {
  const parts = [wasm.subarray(0, HEADER_BYTES)];
  for (const { id, body } of sections) parts.push(Uint8Array.from([id, ...formatUint(body.length)]), body);
  return concatBytes(parts);
}

/** Unsigned LEB128 of at most 32 bits (5.2.2). */
export function readUint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: start + index + 1 };
  }
  throw new Error("a number in the module does not end");
}

export function formatUint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}
