import { WasmSection, formatUint, readSections, readUint, writeSections } from "@berth/sandbox";

/** Where a module whose memory was made an import looks for it. */
export const MEMORY_IMPORT = { module: "berth", name: "memory" } as const;

/**
 * Rewrites a WebAssembly module that makes its own memory into one that imports it, so that whoever
 * instantiates it decides how far it may grow. Everything else stays byte for byte: a module has one
 * memory, and imported or own, its index is 0 (WebAssembly core specification 2.0, 2.5.5 and 5.5).
 *
 * @throws Error when the module is not of that shape
 */
export function importMemory(wasm: Uint8Array): Uint8Array {
  const sections = readSections(wasm);
  const imports = sections.find(({ id }) => id === WasmSection.imports);
  const memories = sections.find(({ id }) => id === WasmSection.memories);
  if (imports === undefined || memories === undefined)
    throw new Error("expected a module with imports and a memory of its own");
  const count = readUint(imports.body, 0);
  const memoryCount = readUint(memories.body, 0);
  if (memoryCount.value !== 1) throw new Error(`expected one memory, found ${memoryCount.value}`);
  const limits = memories.body.subarray(memoryCount.end);
  const entry = [...formatName(MEMORY_IMPORT.module), ...formatName(MEMORY_IMPORT.name), 0x02, ...limits];
  const body = Uint8Array.from([...formatUint(count.value + 1), ...imports.body.subarray(count.end), ...entry]);
  const rest = sections.filter((section) => section !== memories);
  return writeSections(
    wasm,
    rest.map((section) => (section === imports ? { id: section.id, body } : section)),
  );
}

const formatName = (name: string): number[] => [...formatUint(name.length), ...Buffer.from(name, "latin1")];
