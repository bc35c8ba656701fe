import type { ArgumentReader } from "./machine-world.ts";

type Bytes = readonly Uint8Array[];

/** As many as a value may have; see packages/wire. */
const MAX_BYTE_SECTIONS = 1_024;
/** Arguments of `post` before the byte sections. */
const POST_PARAMETERS = 4;

/** One call of the guest library's `post`. */
export interface Saying {
  readonly kind: number;
  readonly id: number;
  readonly head: string;
  readonly json: string;
  readonly bytes: Bytes;
}

/** Byte sections that came with a `post`. */
export function readSections(read: ArgumentReader): Bytes {
  const count = read.count - POST_PARAMETERS;
  if (count > MAX_BYTE_SECTIONS) throw new Error("more byte sections than a value may have");
  const sections: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const section = read.bytes(POST_PARAMETERS + index);
    if (section !== undefined) sections.push(section);
  }
  return sections;
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
