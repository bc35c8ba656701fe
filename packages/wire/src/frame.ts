import { concatBytes } from "@berth/base";

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

/** Writes a frame whose payload is given in parts, so that nothing is joined twice. */
export function formatFrame(type: number, id: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const frame = new Uint8Array(FRAME_HEADER_BYTES + length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, length);
  frame[4] = type;
  view.setUint32(5, id);
  let offset = FRAME_HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/**
 * Cuts a stream of bytes into frames. Payloads are views into what arrived wherever a frame came whole;
 * the caller reads them before it returns.
 */
export class FrameReader {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  /** Most bytes that wait for the rest of a frame. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * @throws WireError WIRE_FRAME_INVALID when a frame announces more than a frame may hold; the stream
   *   cannot be read on after that
   */
  read(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    let bytes = chunk;
    if (this.#pendingBytes > 0) {
      this.#pending.push(chunk);
      this.#pendingBytes += chunk.length;
      const needed = this.#neededBytes();
      if (this.#pendingBytes < needed) return;
      bytes = concatBytes(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let offset = 0;
    while (bytes.length - offset >= FRAME_HEADER_BYTES) {
      const length = view.getUint32(offset);
      if (length > MAX_FRAME_BYTES) throw oversize(length);
      const end = offset + FRAME_HEADER_BYTES + length;
      if (end > bytes.length) break;
      onFrame({
        type: bytes[offset + 4] as number,
        id: view.getUint32(offset + 5),
        payload: bytes.subarray(offset + FRAME_HEADER_BYTES, end),
      });
      offset = end;
    }
    if (offset < bytes.length) {
      this.#pending.push(bytes.subarray(offset));
      this.#pendingBytes = bytes.length - offset;
    }
  }

  /** Bytes until the first pending frame is whole; joins only when the header itself is split. */
  #neededBytes(): number {
    if (this.#pendingBytes < FRAME_HEADER_BYTES) return FRAME_HEADER_BYTES;
    const first = this.#pending[0] as Uint8Array;
    if (first.length < FRAME_HEADER_BYTES) {
      this.#pending = [concatBytes(this.#pending)];
    }
    const head = this.#pending[0] as Uint8Array;
    const length = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0);
    if (length > MAX_FRAME_BYTES) throw oversize(length);
    return FRAME_HEADER_BYTES + length;
  }
}

const oversize = (length: number): WireError =>
  new WireError("WIRE_FRAME_INVALID", `a frame announces ${length} bytes, at most ${MAX_FRAME_BYTES} are read`);
