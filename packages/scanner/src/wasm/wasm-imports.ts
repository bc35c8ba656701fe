export interface WasmImport {
  readonly module: string;
  readonly name: string;
}

const MAX_IMPORTS = 10_000;

/** The imports of a WebAssembly binary (core specification 5.5.5); `undefined` when it is malformed. */
export function readWasmImports(bytes: Uint8Array): WasmImport[] | undefined {
  if (bytes.length < 8 || bytes[4] !== 1) return undefined;
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at];
    const size = readUnsigned(bytes, at + 1);
    if (id === undefined || size === undefined || size.next + size.value > bytes.length) return undefined;
    if (id === 2) return readSection(bytes.subarray(size.next, size.next + size.value));
    at = size.next + size.value;
  }
  return [];
}

function readSection(bytes: Uint8Array): WasmImport[] | undefined {
  const count = readUnsigned(bytes, 0);
  if (count === undefined || count.value > MAX_IMPORTS) return undefined;
  const imports: WasmImport[] = [];
  let at = count.next;
  for (let index = 0; index < count.value; index += 1) {
    const module = readName(bytes, at);
    const name = module === undefined ? undefined : readName(bytes, module.next);
    if (module === undefined || name === undefined) return undefined;
    imports.push({ module: module.text, name: name.text });
    const next = skipDescription(bytes, name.next);
    if (next === undefined) return undefined;
    at = next;
  }
  return imports;
}

/** Function 0: type index; table 1: type and limits; memory 2: limits; global 3: type and mutability; tag 4. */
function skipDescription(bytes: Uint8Array, at: number): number | undefined {
  switch (bytes[at]) {
    case 0:
      return readUnsigned(bytes, at + 1)?.next;
    case 1:
      return skipLimits(bytes, at + 2);
    case 2:
      return skipLimits(bytes, at + 1);
    case 3:
      return at + 3;
    case 4:
      return readUnsigned(bytes, at + 2)?.next;
    default:
      return undefined;
  }
}

function skipLimits(bytes: Uint8Array, at: number): number | undefined {
  const flags = bytes[at];
  const minimum = readUnsigned(bytes, at + 1);
  if (flags === undefined || minimum === undefined) return undefined;
  return (flags & 1) === 0 ? minimum.next : readUnsigned(bytes, minimum.next)?.next;
}

function readName(bytes: Uint8Array, at: number): { readonly text: string; readonly next: number } | undefined {
  const length = readUnsigned(bytes, at);
  if (length === undefined || length.next + length.value > bytes.length) return undefined;
  return {
    text: new TextDecoder("utf-8").decode(bytes.subarray(length.next, length.next + length.value)),
    next: length.next + length.value,
  };
}

/** LEB128, at most 32 bits. */
function readUnsigned(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if ((byte & 0x80) === 0) return { value, next: at + index + 1 };
  }
  return undefined;
}
