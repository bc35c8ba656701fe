import { concatBytes, decodeUtf8, utf8 } from "@berth/base";

import { WireError } from "./errors.ts";
import { FrameReader, formatFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
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
const MAX_ASSEMBLIES = 64;
const MAX_HEAD_BYTES = 65_535;
const NO_BYTES = new Uint8Array(0);

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
  readonly #assemblies = new Map<number, { parts: Uint8Array[]; size: number }>();
  #assembledBytes = 0;
  readonly #queue: PendingChunks[] = [];
  #credit = CHUNK_WINDOW;

  constructor(write: (bytes: Uint8Array) => void, onMessage: (message: Message) => void) {
    this.#write = write;
    this.#onMessage = onMessage;
  }

  /**
   * Sends a message. The value's bytes may be read until the message has left; do not change them.
   *
   * @throws WireError WIRE_VALUE_TOO_LARGE above 64 MiB
   */
  send({ type, id, head, value }: Message): void {
    const headBytes = utf8(head);
    const headLength = new Uint8Array([headBytes.length >> 8, headBytes.length & 0xff]);
    if (headBytes.length > MAX_HEAD_BYTES)
      throw new WireError(
        "WIRE_VALUE_TOO_LARGE",
        `a head has ${headBytes.length} bytes, at most ${MAX_HEAD_BYTES} cross`,
      );
    if (value === undefined) return this.#write(formatFrame(type, id, [headLength, headBytes]));
    const body = bodyParts(value);
    const size = body.reduce((sum, part) => sum + part.length, 0);
    if (size > MAX_VALUE_BYTES) {
      throw new WireError("WIRE_VALUE_TOO_LARGE", `a value has ${size} bytes, at most ${MAX_VALUE_BYTES} cross`);
    }
    if (size <= INLINE_VALUE_BYTES) return this.#write(formatFrame(type, id, [headLength, headBytes, ...body]));
    const last = formatFrame(type | CHUNKED, id, [headLength, headBytes]);
    this.#queue.push({ id, body: concatBytes(body), offset: 0, last });
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
      if (isLast) this.#queue.shift();
      this.#write(formatFrame(CHUNK, job.id, [chunk]));
      if (isLast) this.#write(job.last);
    }
  }

  #take({ type, id, payload }: Frame): void {
    if (type === CHUNK) return this.#takeChunk(id, payload);
    if (type === CREDIT) {
      this.#credit = Math.min(this.#credit + 1, CHUNK_WINDOW);
      return this.#sendChunks();
    }
    if (payload.length < 2) throw invalid("a message without a head");
    const headEnd = 2 + (((payload[0] as number) << 8) | (payload[1] as number));
    if (headEnd > payload.length) throw invalid("a head that is longer than its message");
    const head = decodeHead(payload.subarray(2, headEnd));
    if ((type & CHUNKED) !== 0) {
      const assembly = this.#assemblies.get(id);
      if (assembly === undefined || headEnd !== payload.length)
        throw invalid("a message that announces chunks which did not come");
      this.#assemblies.delete(id);
      this.#assembledBytes -= assembly.size;
      return this.#onMessage({ type: type & ~CHUNKED, id, head, value: parseBody(concatBytes(assembly.parts)) });
    }
    if (headEnd === payload.length) return this.#onMessage({ type, id, head });
    this.#onMessage({ type, id, head, value: parseBody(payload.subarray(headEnd)) });
  }

  #takeChunk(id: number, payload: Uint8Array): void {
    const assembly = this.#assemblies.get(id) ?? { parts: [], size: 0 };
    if (payload.length === 0 || payload.length > CHUNK_BYTES) throw invalid(`a chunk of ${payload.length} bytes`);
    assembly.size += payload.length;
    this.#assembledBytes += payload.length;
    // One cap for all values under way together, else many half-sent values add up.
    if (this.#assembledBytes > 2 * MAX_VALUE_BYTES || assembly.size > MAX_VALUE_BYTES)
      throw invalid("more chunks than a value may have");
    assembly.parts.push(payload.slice());
    this.#assemblies.set(id, assembly);
    if (this.#assemblies.size > MAX_ASSEMBLIES) throw invalid(`more than ${MAX_ASSEMBLIES} values under way`);
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

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A body: JSON length and text, then length and bytes of each section. */
function bodyParts({ json, bytes }: WireValue): Uint8Array[] {
  const parts = [uint32(json.length), json];
  for (const section of bytes) parts.push(uint32(section.length), section);
  return parts;
}

function parseBody(body: Uint8Array): WireValue {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const sections: Uint8Array[] = [];
  let offset = 0;
  while (offset < body.length) {
    if (body.length - offset < 4) throw invalid("a value whose sections do not add up");
    const end = offset + 4 + view.getUint32(offset);
    if (end > body.length) throw invalid("a value whose sections do not add up");
    sections.push(body.subarray(offset + 4, end));
    offset = end;
  }
  const [json = NO_BYTES, ...bytes] = sections;
  return { json, bytes };
}
