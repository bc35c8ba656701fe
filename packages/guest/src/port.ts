import type { LibraryPart } from "./library-part.ts";

/**
 * What crosses between a compartment and the engine that holds it. Both directions are plain calls with
 * strings, numbers and byte arrays: nothing of the engine's own realm is ever reachable from the guest.
 */

/** From the guest to the engine: one function for everything. Kinds are `GuestSignal`. */
export type PostToEngine = (
  kind: number,
  id: number,
  head: string,
  json: string,
  bytes?: readonly Uint8Array[],
) => void;

/** What the script of a part answers with. */
export type PartMaker = (argument: unknown) => Record<string, unknown>;

/** What the guest takes from outside at the moment when it needs it. */
export interface Outside {
  /** Fills with bytes from a secure source; 1 to 65,536 at a time. */
  fillRandom(bytes: Uint8Array): void;
  /** A part of the library as text of a script that answers with what makes the part. */
  partScript(part: LibraryPart): string;
}

/** Kinds of `PostToEngine`. */
export const GuestSignal = {
  /** A call ended: id = call, json = value. */
  result: 1,
  /** A call failed: id = call, json = `{name, message, stack?, code?}`. */
  failure: 2,
  /** The plugin asks the broker: id = request, head = `[callId, method]`, json = value. */
  request: 3,
  /** A line of the log: id = call or 0, head = level, json = text. */
  log: 4,
  /** Wake me: id = timer, json = milliseconds. */
  timer: 5,
  /** No need to wake me: id = timer. */
  clearTimer: 6,
  /** How far a call has come: id = call, json = `{done?, total?, message?}`. Leaves at once, as a line of the log does. */
  progress: 7,
  /** What a stream was asked for: id = call, json = value. */
  item: 8,
} as const;

/** From the engine to the guest. Each runs to quiescence before it returns: microtasks included. */
export interface GuestEntry {
  /** Takes the plugin that the bundle left behind; answers with the names of its actions as JSON. */
  start(): string;
  /** Takes a part of the library that the engine loaded before it was asked for: what the part's script answers with. */
  prepare(part: LibraryPart, make: PartMaker): void;
  /**
   * Begins a call; `about` is JSON, what the plugin may know of it. An action that answers at once, without
   * bytes, answers here: its value as JSON. Every other end of a call is posted.
   */
  call(
    callId: number,
    action: string,
    json: string,
    bytes: readonly Uint8Array[] | undefined,
    about: string,
  ): string | undefined;
  /** Begins a call of an action that streams. Its items are posted one by one, each when `pull` asks for it. */
  stream(
    callId: number,
    action: string,
    json: string,
    bytes: readonly Uint8Array[] | undefined,
    about: string,
  ): undefined;
  /** Asks a stream for its next item; not before the one before was posted. */
  pull(callId: number): undefined;
  /** The broker's answer to a request; `isOk` false means json is an error report. */
  settle(requestId: number, isOk: boolean, json: string, bytes: readonly Uint8Array[] | undefined): void;
  /** Nobody wants the answer any more; a stream is told so as a generator is, by `return`. */
  cancel(callId: number): void;
  fire(timerId: number): void;
}
