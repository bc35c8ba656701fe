import { WasmSection, formatUint, readSections, readUint, writeSections } from "@berth/sandbox";
import type { Section } from "@berth/sandbox";

import { ModuleRefused } from "./errors.ts";

const PAGES_PER_MIB = 16;
/** Entries of all tables of a module together; the engine keeps some bytes for each. */
const MAX_TABLE_ENTRIES = 1_048_576;
const MAX_TABLES = 16;
/** Limits without and with a maximum (5.3.7); flags beyond mean shared memory, 64 bits or page sizes. */
const NO_MAXIMUM = 0x00;
const WITH_MAXIMUM = 0x01;
const FUNCREF = 0x70;
const EXTERNREF = 0x6f;
/** The last section of WebAssembly 2.0, "data count"; the next holds the tags of exceptions. */
const LAST_SECTION = 12;
const FUNCTION_TYPE = 0x60;
/** i32, i64, f32, f64, v128, funcref and externref (5.3). */
const VALUE_TYPES: ReadonlySet<number | undefined> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, FUNCREF, EXTERNREF]);
/** Each may keep a reference to something in the engine's heap. */
const MAX_GLOBALS = 10_000;

/**
 * Writes ceilings into a module: its memory may grow to `memoryMiB`, its tables not at all beyond a common
 * bound. The module cannot tell, other than by `memory.grow` saying no. Structs, arrays and exceptions of its own
 * would lie in the engine's heap, which no ceiling of a module's reaches: they are refused.
 *
 * @throws ModuleRefused when it asks for more than that from the start, or for what is not served
 */
export function capModule(wasm: Uint8Array, memoryMiB: number): Uint8Array {
  const sections = readSections(wasm).map((section): Section => {
    if (section.id > LAST_SECTION) throw new ModuleRefused("it has exceptions of its own, which are not served");
    if (section.id === WasmSection.types) refuseOtherTypes(section.body);
    if (section.id === WasmSection.globals) refuseManyGlobals(section.body);
    if (section.id === WasmSection.memories) return { id: section.id, body: capMemories(section.body, memoryMiB) };
    if (section.id === WasmSection.tables) return { id: section.id, body: capTables(section.body) };
    return section;
  });
  return writeSections(wasm, sections);
}

function refuseOtherTypes(body: Uint8Array): void {
  const count = readUint(body, 0);
  let offset = count.end;
  for (let index = 0; index < count.value; index += 1) {
    let isServed = body[offset] === FUNCTION_TYPE;
    offset += 1;
    // Parameters, then results.
    for (let list = 0; list < 2 && isServed; list += 1) {
      const { value: length, end } = readUint(body, offset);
      offset = end + length;
      isServed = body.subarray(end, offset).every((type) => VALUE_TYPES.has(type));
    }
    if (!isServed) throw new ModuleRefused("it has a type that is not served, such as of garbage-collected data");
  }
  if (offset !== body.length) throw new ModuleRefused("its type section holds more than types");
}

function refuseManyGlobals(body: Uint8Array): void {
  const count = readUint(body, 0).value;
  if (count > MAX_GLOBALS) throw new ModuleRefused(`it has ${count} globals, at most ${MAX_GLOBALS} are served`);
}

function capMemories(body: Uint8Array, memoryMiB: number): Uint8Array {
  const count = readUint(body, 0);
  if (count.value > 1) throw new ModuleRefused("it has more than one memory");
  if (count.value === 0) return body;
  const { least, most, end } = readLimits(body, count.end);
  if (end !== body.length) throw new ModuleRefused("its memory section holds more than a memory");
  const ceiling = memoryMiB * PAGES_PER_MIB;
  if (least > ceiling)
    throw new ModuleRefused(`it starts with ${least / PAGES_PER_MIB} MiB of memory and may have ${memoryMiB}`);
  return Uint8Array.from([1, WITH_MAXIMUM, ...formatUint(least), ...formatUint(Math.min(most ?? ceiling, ceiling))]);
}

function capTables(body: Uint8Array): Uint8Array {
  const count = readUint(body, 0);
  if (count.value > MAX_TABLES)
    throw new ModuleRefused(`it has ${count.value} tables, at most ${MAX_TABLES} are served`);
  const share = Math.floor(MAX_TABLE_ENTRIES / Math.max(count.value, 1));
  const bytes = [...formatUint(count.value)];
  let offset = count.end;
  for (let index = 0; index < count.value; index += 1) {
    const kind = body[offset];
    if (kind !== FUNCREF && kind !== EXTERNREF) throw new ModuleRefused("it has a table of a kind that is not served");
    const { least, most, end } = readLimits(body, offset + 1);
    if (least > share) throw new ModuleRefused(`it has a table of ${least} entries, at most ${share} are served`);
    bytes.push(kind, WITH_MAXIMUM, ...formatUint(least), ...formatUint(Math.min(most ?? share, share)));
    offset = end;
  }
  if (offset !== body.length) throw new ModuleRefused("its table section holds more than tables");
  return Uint8Array.from(bytes);
}

function readLimits(body: Uint8Array, offset: number): { least: number; most: number | undefined; end: number } {
  const flags = body[offset];
  if (flags !== NO_MAXIMUM && flags !== WITH_MAXIMUM)
    throw new ModuleRefused("it asks for shared or 64-bit memory, which is not served");
  const least = readUint(body, offset + 1);
  if (flags === NO_MAXIMUM) return { least: least.value, most: undefined, end: least.end };
  const most = readUint(body, least.end);
  return { least: least.value, most: most.value, end: most.end };
}
