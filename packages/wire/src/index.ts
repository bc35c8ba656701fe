export { WireError, wireErrors } from "./errors.ts";
export type { WireErrorCode } from "./errors.ts";
export { FRAME_HEADER_BYTES, FrameReader, MAX_FRAME_BYTES, formatFrame } from "./frame.ts";
export type { Frame } from "./frame.ts";
export { FIRST_SESSION_TYPE, INLINE_VALUE_BYTES, MAX_VALUE_BYTES, Session } from "./session.ts";
export type { Message } from "./session.ts";
export { decodeValue, encodeValue, textOf } from "./value.ts";
export type { WireValue } from "./value.ts";
export { MAX_BYTE_SECTIONS, MAX_VALUE_DEPTH, decodeText, encodeText } from "./value-text.ts";
