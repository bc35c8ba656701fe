import { createHash } from "node:crypto";

import type { BaseMachine, GuestFunctions } from "./base-machine.ts";
import { importMemory } from "./imported-memory.ts";
import { PAGE_BYTES, SCRATCH_BYTES } from "./machine.ts";
import { MemoryImage } from "./memory-image.ts";
import type { Run } from "./memory-image.ts";

/** The file: this, SHA-256 of what it was made from, SHA-256 of the rest, length of the head (u32), head, runs. */
const MAGIC = Buffer.from("berth base 1\n\0\0\0", "latin1");
const DIGEST_BYTES = 32;
const HEAD_AT = MAGIC.length + 2 * DIGEST_BYTES + 4;
const MAX_HEAD_BYTES = 65_536;
const MAX_SIZE_BYTES = 16 * 1_048_576;
const FUNCTION_NAMES = ["start", "prepare", "call", "stream", "pull", "settle", "cancel", "fire", "describe"] as const;

interface Head {
  readonly sizeBytes: number;
  /** Address and length of each run. */
  readonly runs: readonly (readonly [number, number])[];
  readonly functions: GuestFunctions;
}

/** What a base is made from: another engine build or guest library needs another file. */
function sourceDigest(wasm: Uint8Array, guestScript: string): Buffer {
  return createHash("sha256").update(String(wasm.length)).update("\0").update(wasm).update(guestScript).digest();
}

const digestOf = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Writes the base machine down, so that sandbox hosts need not make it anew. Made at set-up, from our own code alone. */
export function formatBaseFile({ image, functions }: BaseMachine, wasm: Uint8Array, guestScript: string): Uint8Array {
  const runs = image.runs.map(({ offset, bytes }) => [offset, bytes.length] as const);
  const head = Buffer.from(JSON.stringify({ sizeBytes: image.sizeBytes, runs, functions } satisfies Head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  const rest = Buffer.concat([length, head, ...image.runs.map(({ bytes }) => bytes)]);
  return Buffer.concat([MAGIC, sourceDigest(wasm, guestScript), digestOf(rest), rest]);
}

/**
 * Reads a base machine, or answers `undefined` when the file is not exactly what was made from these sources:
 * of another build, damaged, or changed. The digest finds accidents and half an attack; whoever can write
 * beside the engine's own code has no need of the file.
 */
export function tryParseBaseFile(file: Uint8Array, wasm: Uint8Array, guestScript: string): BaseMachine | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const restAt = MAGIC.length + 2 * DIGEST_BYTES;
  if (bytes.length < HEAD_AT || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const [source, digest] = [MAGIC.length, MAGIC.length + DIGEST_BYTES].map((at) =>
    bytes.subarray(at, at + DIGEST_BYTES),
  );
  if (source?.equals(sourceDigest(wasm, guestScript)) !== true) return undefined;
  if (digest?.equals(digestOf(bytes.subarray(restAt))) !== true) return undefined;
  const headBytes = bytes.readUInt32BE(restAt);
  if (headBytes > MAX_HEAD_BYTES || HEAD_AT + headBytes > bytes.length) return undefined;
  const head = JSON.parse(bytes.toString("utf8", HEAD_AT, HEAD_AT + headBytes)) as Head;
  const image = tryReadImage(head, bytes.subarray(HEAD_AT + headBytes));
  const isInside = (box: number): boolean => Number.isSafeInteger(box) && box >= SCRATCH_BYTES && box < head.sizeBytes;
  if (image === undefined || !FUNCTION_NAMES.every((name) => isInside(head.functions[name]))) return undefined;
  return { module: new WebAssembly.Module(importMemory(wasm)), image, functions: head.functions };
}

/** Runs must be in order, apart, inside the memory, and use up the bytes exactly. */
function tryReadImage({ sizeBytes, runs: places }: Head, bytes: Uint8Array): MemoryImage | undefined {
  if (sizeBytes % PAGE_BYTES !== 0 || sizeBytes < SCRATCH_BYTES || sizeBytes > MAX_SIZE_BYTES) return undefined;
  const runs: Run[] = [];
  let end = SCRATCH_BYTES;
  let read = 0;
  for (const [offset, length] of places) {
    if (!Number.isSafeInteger(offset) || offset < end || length <= 0 || offset + length > sizeBytes) return undefined;
    // A copy: the file's bytes go when it was read.
    runs.push({ offset, bytes: bytes.slice(read, read + length) });
    read += length;
    end = offset + length;
  }
  return read === bytes.length ? new MemoryImage(sizeBytes, SCRATCH_BYTES, runs) : undefined;
}
