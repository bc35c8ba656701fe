import { WireError } from "./errors.ts";

/** A frame: payload length (u32, big endian), type (u8), id (u32, big endian), payload. */
export interface Frame {
  readonly type: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

export const FRAME_HEADER_BYTES = 9;

/** Largest payload of one frame: 1 MiB of value inline, and room for heads and bytes' lengths. */
export const MAX_FRAME_BYTES = 1_048_576 + 65_536;

/** Big endian; plain stores, which cost a small frame less than a view of it. */
export function writeUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = (value >>> 16) & 0xff;
  target[offset + 2] = (value >>> 8) & 0xff;
  target[offset + 3] = value & 0xff;
}

/** A frame with its header, whose payload the caller writes. */
export function makeFrame(type: number, id: number, payloadBytes: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payloadBytes);
  writeUint32(frame, 0, payloadBytes);
  frame[4] = type;
  writeUint32(frame, 5, id);
  return frame;
}

/** Writes a frame whose payload is given in parts, so that nothing is joined twice. */
export function formatFrame(type: number, id: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const frame = makeFrame(type, id, length);
  let offset = FRAME_HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Cuts a stream of bytes into frames. Payloads are views: into what arrived where a frame came whole, else
 * into memory of their own. A frame that comes in pieces costs its announced size, however small the pieces.
 */
export class FrameReader {
  /** The header of a frame whose rest has not come, or room for the whole frame once its size is known. */
  #partial = NO_BYTES;
  #filledBytes = 0;

  /**
   * @throws WireError WIRE_FRAME_INVALID when a frame announces more than a frame may hold; the stream
   *   cannot be read on after that
   */
  read(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    let offset = 0;
    while (offset < chunk.length) {
      const rest = chunk.length - offset;
      if (this.#filledBytes === 0 && rest >= FRAME_HEADER_BYTES) {
        const size = sizeOfFrame(chunk, offset);
        if (size <= rest) {
          onFrame(parseFrame(chunk.subarray(offset, offset + size)));
          offset += size;
          continue;
        }
      }
      offset += this.#fill(chunk.subarray(offset), onFrame);
    }
  }

  /** Answers with how many of the bytes belong to the frame that is being filled, or to its header. */
  #fill(bytes: Uint8Array, onFrame: (frame: Frame) => void): number {
    if (this.#filledBytes === 0) this.#partial = new Uint8Array(FRAME_HEADER_BYTES);
    const count = Math.min(this.#partial.length - this.#filledBytes, bytes.length);
    this.#partial.set(bytes.subarray(0, count), this.#filledBytes);
    this.#filledBytes += count;
    if (this.#filledBytes < this.#partial.length) return count;
    const size = sizeOfFrame(this.#partial, 0);
    const partial = this.#partial;
    if (size > partial.length) {
      this.#partial = new Uint8Array(size);
      this.#partial.set(partial);
      return count;
    }
    this.#partial = NO_BYTES;
    this.#filledBytes = 0;
    onFrame(parseFrame(partial));
    return count;
  }
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const at = (index: number): number => bytes[offset + index] as number;
  return ((at(0) << 24) | (at(1) << 16) | (at(2) << 8) | at(3)) >>> 0;
}

/** Header and payload, as the header at `offset` announces. */
function sizeOfFrame(bytes: Uint8Array, offset: number): number {
  const length = readUint32(bytes, offset);
  if (length > MAX_FRAME_BYTES) throw oversize(length);
  return FRAME_HEADER_BYTES + length;
}

const parseFrame = (bytes: Uint8Array): Frame => ({
  type: bytes[4] as number,
  id: readUint32(bytes, 5),
  payload: bytes.subarray(FRAME_HEADER_BYTES),
});

const oversize = (length: number): WireError =>
  new WireError("WIRE_FRAME_INVALID", `a frame announces ${length} bytes, at most ${MAX_FRAME_BYTES} are read`);
