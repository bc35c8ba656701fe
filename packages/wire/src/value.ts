import { decodeUtf8, utf8 } from "@berth/base";

import { WireError } from "./errors.ts";
import { decodeText, encodeText } from "./value-text.ts";

/**
 * A value on its way: JSON text in UTF-8, and beside it the bytes that the text refers to. Bytes never
 * travel inside the text, so they cost neither base64 nor escaping.
 */
export interface WireValue {
  readonly json: Uint8Array;
  readonly bytes: readonly Uint8Array[];
}

/** `encodeText`, ready to be sent. */
export function encodeValue(value: unknown): WireValue {
  const { text, bytes } = encodeText(value);
  return { json: utf8(text), bytes };
}

/** `decodeText` of a value that arrived. */
export function decodeValue(value: WireValue): unknown {
  return decodeText(textOf(value), value.bytes);
}

/**
 * The JSON text of a value.
 *
 * @throws WireError WIRE_VALUE_NOT_JSON when it is not UTF-8
 */
export function textOf(value: WireValue): string {
  try {
    return decodeUtf8(value.json);
  } catch {
    throw new WireError("WIRE_VALUE_NOT_JSON", "the value's text is not valid UTF-8");
  }
}
