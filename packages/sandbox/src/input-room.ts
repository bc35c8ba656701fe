import type { WireValue } from "@berth/wire";

import type { SandboxError } from "./errors.ts";
import { busy } from "./outcome.ts";

const MIB = 1_048_576;
/** Bytes that a process has not read: beyond them it gets no more calls. */
const MAX_UNREAD_BYTES = 128 * MIB;
/** While a process has this much to read, one compartment's calls under way have at most so many bytes. */
const BACKLOG_BYTES = 32 * MIB;
const MAX_INPUT_BYTES = 64 * MIB;

/** Bytes of a value as it crosses. */
export function inputBytesOf({ json, bytes }: WireValue): number {
  let sum = json.length;
  for (const section of bytes) sum += section.length;
  return sum;
}

/**
 * Why a call has to wait outside: its process, or its own compartment, has too much to read already. A compartment
 * alone cannot fill the pipe that it shares.
 */
export function verifyRoom(
  action: string,
  inputBytes: number,
  compartmentBytes: number,
  unreadBytes: number,
): SandboxError | undefined {
  if (unreadBytes > MAX_UNREAD_BYTES)
    return busy(action, `its process has ${unreadBytes} bytes of earlier calls to read`);
  if (unreadBytes > BACKLOG_BYTES && compartmentBytes > 0 && compartmentBytes + inputBytes > MAX_INPUT_BYTES)
    return busy(action, `its calls under way have ${compartmentBytes} bytes of input already`);
  return undefined;
}
