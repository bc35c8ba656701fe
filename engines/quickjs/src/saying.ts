import { OutOfMemory } from "./machine.ts";
import type { ArgumentReader } from "./machine-world.ts";

type Bytes = readonly Uint8Array[];

/** As many as a value may have; see packages/wire. */
const MAX_BYTE_SECTIONS = 1_024;
/** Arguments of `post` before the byte sections. */
const POST_PARAMETERS = 4;

/** What an object around a saying or a section takes in this process's heap, roughly. */
const OBJECT_BYTES = 128;

/** What one call of the guest library's `post` says in words. */
export interface Words {
  readonly kind: number;
  readonly id: number;
  readonly head: string;
  readonly json: string;
}

/** One call of `post`. */
export interface Saying extends Words {
  readonly bytes: Bytes;
  /** What it takes in this process's heap. */
  readonly sizeBytes: number;
}

/**
 * Reads the byte sections that came with a `post`. One array of the guest's may stand in it a thousand times,
 * and each is a copy here, so the limit is looked at after each.
 *
 * @throws OutOfMemory when there is more than `maxBytes` of it
 */
export function readSaying(words: Words, read: ArgumentReader, maxBytes: number): Saying {
  const count = read.count - POST_PARAMETERS;
  if (count > MAX_BYTE_SECTIONS) throw new Error("more byte sections than a value may have");
  const bytes: Uint8Array[] = [];
  let sizeBytes = OBJECT_BYTES + words.head.length + words.json.length;
  for (let index = 0; index < count && sizeBytes <= maxBytes; index += 1) {
    const section = read.bytes(POST_PARAMETERS + index);
    if (section === undefined) continue;
    sizeBytes += OBJECT_BYTES + section.length;
    bytes.push(section);
  }
  if (sizeBytes > maxBytes) throw new OutOfMemory();
  return { ...words, bytes, sizeBytes };
}

/** The method that a request asks for. */
export function tryParseMethod(head: string): string | undefined {
  let said: unknown;
  try {
    said = JSON.parse(head);
  } catch {
    return undefined; // Not what the guest library writes: there is no request in it.
  }
  const method: unknown = Array.isArray(said) ? said[1] : undefined;
  return typeof method === "string" ? method : undefined;
}

/**
 * QuickJS throws this and code can catch it. A plugin that throws the same words itself is told that it used
 * too much memory, which concerns nobody else.
 */
export function isOutOfMemory(failure: string): boolean {
  return failure.startsWith('{"name":"InternalError","message":"out of memory"');
}

/** A failure in the engine's words. */
export const loadFailure = (message: string): string =>
  JSON.stringify({ name: "InternalError", message, stack: "", code: "" });
