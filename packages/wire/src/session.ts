import { concatBytes, decodeUtf8, utf8 } from "@berth/base";

import { WireError } from "./errors.ts";
import { FRAME_HEADER_BYTES, FrameReader, formatFrame, makeFrame, writeUint32 } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { MAX_BYTE_SECTIONS } from "./value-text.ts";
import type { WireValue } from "./value.ts";

/** What one end says to the other: a type, whose meaning the two ends agree on, an id, a short head and a value. */
export interface Message {
  readonly type: number;
  readonly id: number;
  /** JSON text of at most 64 KiB that says what the value is about. */
  readonly head: string;
  readonly value?: WireValue;
}

/** Types below this belong to the users of a session. */
export const FIRST_SESSION_TYPE = 0xf0;
const CHUNK = 0xf0;
const CREDIT = 0xf1;
/** Marks the message whose value came before it in chunks. */
const CHUNKED = 0x80;

/** Values up to this size travel inside their message's frame. */
export const INLINE_VALUE_BYTES = 1_048_576;
const CHUNK_BYTES = 262_144;
/** Chunks under way that the other end has not yet taken; bounds the memory of a pipe. */
const CHUNK_WINDOW = 8;
/** Largest value. */
export const MAX_VALUE_BYTES = 64 * 1_048_576;
const MAX_HEAD_BYTES = 65_535;
const HEAD_LENGTH_BYTES = 2;
const LENGTH_BYTES = 4;
const NO_BYTES = new Uint8Array(0);
const NO_PARTS: readonly Uint8Array[] = [];

interface PendingChunks {
  readonly id: number;
  readonly body: Uint8Array;
  offset: number;
  readonly last: Uint8Array;
}

/**
 * One end of a private pipe: cuts messages into frames and back. Values above 1 MiB cross as chunks under
 * credit, between which small messages pass. The other end may be hostile: lengths, counts and totals are
 * checked before anything is kept.
 */
export class Session {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #onMessage: (message: Message) => void;
  readonly #reader = new FrameReader();
  /** The value that is arriving in chunks. One at a time: a sender finishes one before it begins the next. */
  #assembly: { readonly id: number; readonly parts: Uint8Array[]; size: number } | undefined;
  readonly #queue: PendingChunks[] = [];
  #queuedBytes = 0;
  #credit = CHUNK_WINDOW;

  constructor(write: (bytes: Uint8Array) => void, onMessage: (message: Message) => void) {
    this.#write = write;
    this.#onMessage = onMessage;
  }

  /** Bytes of large values that wait for credit. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Sends a message. The value's bytes may be read until the message has left; do not change them.
   *
   * @throws WireError WIRE_VALUE_TOO_LARGE above 64 MiB
   */
  send({ type, id, head, value }: Message): void {
    const headBytes = utf8(head);
    if (headBytes.length > MAX_HEAD_BYTES)
      throw new WireError(
        "WIRE_VALUE_TOO_LARGE",
        `a head has ${headBytes.length} bytes, at most ${MAX_HEAD_BYTES} cross`,
      );
    if (value === undefined) return this.#write(formatMessage(type, id, headBytes, NO_PARTS, 0));
    const parts = bodyParts(value);
    let size = 0;
    for (const part of parts) size += LENGTH_BYTES + part.length;
    if (size > MAX_VALUE_BYTES) {
      throw new WireError("WIRE_VALUE_TOO_LARGE", `a value has ${size} bytes, at most ${MAX_VALUE_BYTES} cross`);
    }
    if (size <= INLINE_VALUE_BYTES) return this.#write(formatMessage(type, id, headBytes, parts, size));
    const body = new Uint8Array(size);
    writeParts(parts, body, 0);
    const last = formatMessage(type | CHUNKED, id, headBytes, NO_PARTS, 0);
    this.#queue.push({ id, body, offset: 0, last });
    this.#queuedBytes += size;
    this.#sendChunks();
  }

  /**
   * Takes bytes that arrived.
   *
   * @throws WireError WIRE_FRAME_INVALID; the session is useless afterwards and its other end suspect
   */
  receive(bytes: Uint8Array): void {
    this.#reader.read(bytes, (frame) => this.#take(frame));
  }

  #sendChunks(): void {
    while (this.#credit > 0) {
      const job = this.#queue[0];
      if (job === undefined) return;
      const end = Math.min(job.offset + CHUNK_BYTES, job.body.length);
      const chunk = job.body.subarray(job.offset, end);
      const isLast = end === job.body.length;
      // Everything is settled before the write: a transport may deliver credit while it writes.
      this.#credit -= 1;
      job.offset = end;
      this.#queuedBytes -= chunk.length;
      if (isLast) this.#queue.shift();
      this.#write(formatFrame(CHUNK, job.id, [chunk]));
      if (isLast) this.#write(job.last);
    }
  }

  #take({ type, id, payload }: Frame): void {
    if (type === CHUNK) return this.#takeChunk(id, payload);
    if (type === CREDIT) {
      if (payload.length > 0) throw invalid("a credit with a payload");
      this.#credit = Math.min(this.#credit + 1, CHUNK_WINDOW);
      return this.#sendChunks();
    }
    if (payload.length < 2) throw invalid("a message without a head");
    const headEnd = 2 + (((payload[0] as number) << 8) | (payload[1] as number));
    if (headEnd > payload.length) throw invalid("a head that is longer than its message");
    const head = decodeHead(payload.subarray(2, headEnd));
    if ((type & CHUNKED) !== 0) {
      const assembly = this.#assembly;
      if (assembly?.id !== id || headEnd !== payload.length)
        throw invalid("a message that announces chunks which did not come");
      this.#assembly = undefined;
      return this.#onMessage({ type: type & ~CHUNKED, id, head, value: parseBody(concatBytes(assembly.parts)) });
    }
    if (headEnd === payload.length) return this.#onMessage({ type, id, head });
    // Copied (by the constructor: `slice` of Node's Buffer does not), because a frame shares its memory with
    // whatever arrived beside it, and values are kept.
    this.#onMessage({ type, id, head, value: parseBody(new Uint8Array(payload.subarray(headEnd))) });
  }

  #takeChunk(id: number, payload: Uint8Array): void {
    const assembly = (this.#assembly ??= { id, parts: [], size: 0 });
    if (assembly.id !== id) throw invalid("chunks of two values at a time");
    // Only the last may be short, else a value in crumbs costs a hundred times its size.
    const isAfterLast = assembly.size % CHUNK_BYTES !== 0;
    if (payload.length === 0 || payload.length > CHUNK_BYTES || isAfterLast)
      throw invalid(`a chunk of ${payload.length} bytes`);
    assembly.size += payload.length;
    if (assembly.size > MAX_VALUE_BYTES) throw invalid("more chunks than a value may have");
    assembly.parts.push(new Uint8Array(payload));
    this.#write(formatFrame(CREDIT, 0, []));
  }
}

const invalid = (what: string): WireError => new WireError("WIRE_FRAME_INVALID", `the other end sent ${what}`);

function decodeHead(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw invalid("a head that is not UTF-8");
  }
}

/** A body: JSON text, then the byte sections, each after its length (u32, big endian). */
const bodyParts = ({ json, bytes }: WireValue): readonly Uint8Array[] =>
  bytes.length === 0 ? [json] : [json, ...bytes];

function writeParts(parts: readonly Uint8Array[], target: Uint8Array, start: number): void {
  let offset = start;
  for (const part of parts) {
    writeUint32(target, offset, part.length);
    target.set(part, offset + LENGTH_BYTES);
    offset += LENGTH_BYTES + part.length;
  }
}

/** One frame: length of the head (u16), head, body. Written in one piece: small calls are most of the traffic. */
function formatMessage(
  type: number,
  id: number,
  head: Uint8Array,
  parts: readonly Uint8Array[],
  size: number,
): Uint8Array {
  const frame = makeFrame(type, id, HEAD_LENGTH_BYTES + head.length + size);
  frame[FRAME_HEADER_BYTES] = head.length >> 8;
  frame[FRAME_HEADER_BYTES + 1] = head.length & 0xff;
  const headStart = FRAME_HEADER_BYTES + HEAD_LENGTH_BYTES;
  frame.set(head, headStart);
  writeParts(parts, frame, headStart + head.length);
  return frame;
}

function parseBody(body: Uint8Array): WireValue {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const sections: Uint8Array[] = [];
  let offset = 0;
  while (offset < body.length) {
    if (body.length - offset < 4) throw invalid("a value whose sections do not add up");
    const end = offset + 4 + view.getUint32(offset);
    if (end > body.length) throw invalid("a value whose sections do not add up");
    if (sections.length > MAX_BYTE_SECTIONS) throw invalid("a value of more sections than one may have");
    sections.push(body.subarray(offset + 4, end));
    offset = end;
  }
  const [json = NO_BYTES, ...bytes] = sections;
  return { json, bytes };
}
