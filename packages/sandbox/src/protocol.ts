/** From the supervisor to a sandbox host. */
export const ToSandbox = {
  /** id = compartment, head = `LoadHead`, value = the bundle as its one byte section. */
  load: 0x01,
  /** id = compartment */
  unload: 0x02,
  /** id = call, head = `[compartment, action, context]` and, where the call asks for more, `CallExtras`; value = input */
  call: 0x03,
  /** id = call */
  cancel: 0x04,
  /** id = request, value = what the broker answers */
  answer: 0x05,
  /** id = request, value = error report */
  refusal: 0x06,
  /** id = call that streams: the oldest item that was not taken has been */
  taken: 0x07,
} as const;

/** From a sandbox host to the supervisor. */
export const FromSandbox = {
  /** head = the engine's name */
  ready: 0x20,
  /** id = compartment, head = JSON list of action names */
  loaded: 0x21,
  /** id = compartment, value = failure */
  loadFailed: 0x22,
  /** id = call, head = CPU time charged to it in microseconds, value = output */
  result: 0x23,
  /** id = call, head as that of `result`, value = failure */
  failure: 0x24,
  /** id = request, head = `[compartment, call, method]`, value = what is asked */
  request: 0x25,
  /** id = call or 0, head = `[compartment, level]`, value = the text itself, not as JSON */
  log: 0x26,
  /** id = compartment, head = `LossReason` */
  lost: 0x27,
  /** id = compartment: the process is about to enter it, and entered another one before */
  entered: 0x28,
  /** id = compartment: answers `unload` */
  unloaded: 0x29,
  /** id = call that asked for it, value = `Progress` as JSON */
  progress: 0x2a,
  /** id = call that streams, value = one item of at most 1 MiB */
  item: 0x2b,
  /** id = call: the plugin has begun it and waits for something; not told where a request of the call tells it already */
  begun: 0x2c,
} as const;

/** Head of `load`. */
export interface LoadHead {
  readonly sourceName: string;
  readonly memoryMiB: number;
  readonly cpuMs: number;
}

/** What a call asks for beyond an answer. Most calls ask for nothing, and say nothing of it. */
export interface CallExtras {
  /** Somebody hears how far the call has come. */
  readonly progress?: true;
  /** Items are wanted, of which the result is the end. */
  readonly stream?: true;
  /** CPU time of the call, where its action has less than the plugin; milliseconds. */
  readonly cpuMs?: number;
}

/** Most bytes that a sandbox host says of a failure, or in a line of the log: they are read where they arrive. */
export const MAX_WORDS_BYTES = 131_072;

/** The descriptor in a sandbox host that holds its end of the pipe. */
export const PIPE_DESCRIPTOR = 3;
