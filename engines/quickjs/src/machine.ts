import { MEMORY_IMPORT } from "./imported-memory.ts";
import type { ArgumentReader, MachineWorld } from "./machine-world.ts";
import { MemoryImage } from "./memory-image.ts";
import { PendingRejections } from "./pending-rejections.ts";
import type { Box, QuickJsExports } from "./quickjs-exports.ts";
import { wasiRefusals } from "./wasi.ts";

/** What QuickJS itself may use of the stack for JavaScript. */
const JS_STACK_BYTES = 65_536;
/**
 * Where the C stack begins; it grows down to address 0 and traps there. The module reserves 1 MiB for it
 * and QuickJS checks its own depth, but not in every native function, so the stack gets a hard end as well.
 */
const STACK_TOP = 131_072;
/** What the module reserves for the stack, below its data. The part that is not stack carries values in and out. */
export const SCRATCH_BYTES = 1_048_576;
/** Boxes of the arguments of a call; at most `MAX_ARGUMENTS`. */
const ARGUMENTS_AT = STACK_TOP;
const MAX_ARGUMENTS = 2_048;
/** Three words that QuickJS writes answers to. */
const ANSWERS_AT = ARGUMENTS_AT + 4 * MAX_ARGUMENTS;
const TRANSFER_START = ANSWERS_AT + 64;

export const PAGE_BYTES = 65_536;
/**
 * Date, eval, RegExp, JSON, Proxy, Map and Set, typed arrays, Promise and BigInt. Not made at all: WeakRef,
 * performance, DOMException, atob and btoa, which the guest library would remove.
 */
const INTRINSICS = 0b1_1111_1111;
/** Flag of qjs_compile: functions do not know their text. */
const STRIP_SOURCE = 16;
/** The least memory that the module starts with. */
const MIN_PAGES = 18;

/** An argument for the guest. */
export type Argument = string | number | boolean | undefined | Uint8Array;

/** The machine has no memory left for what was asked of it. */
export class OutOfMemory extends Error {
  constructor() {
    super("the machine is out of memory");
    this.name = "OutOfMemory";
  }
}

/**
 * One QuickJS in one WebAssembly instance: its memory, its stack pointer, and nothing else that changes.
 * Any exception that leaves a method, other than `OutOfMemory`, is a trap: the machine must not be used again.
 */
export class Machine {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: QuickJsExports;
  #world: MachineWorld;
  readonly #rejections: PendingRejections;
  #bytes: Buffer;
  #words: Uint32Array;
  /** Below this the scratch area was written. Nothing but the stack and this class writes there. */
  #scratchEnd = TRANSFER_START;

  /** `image` undefined starts QuickJS anew; else the machine begins as the image was. */
  constructor(module: WebAssembly.Module, maxPages: number, world: MachineWorld, image?: MemoryImage) {
    const initial = image === undefined ? MIN_PAGES : image.sizeBytes / PAGE_BYTES;
    this.#memory = new WebAssembly.Memory({ initial, maximum: Math.max(maxPages, initial) });
    this.#world = world;
    const instance = new WebAssembly.Instance(module, {
      env: {
        host_call: (name: number, _length: number, _self: number, count: number, boxes: number) =>
          this.#hostCall(name, count, boxes),
        host_interrupt: () => (this.#world.isOverdue() ? 1 : 0),
        // One time zone on every machine: UTC.
        host_get_timezone_offset: () => 0,
        host_promise_rejection: (promise: Box, reason: Box, isHandled: number) =>
          this.#rejections.note(promise, reason, isHandled !== 0),
        // Never enabled: there are no modules to import.
        host_module_normalize: () => 0,
        host_module_load: () => 0,
      },
      wasi_snapshot_preview1: wasiRefusals((address) => {
        new DataView(this.#memory.buffer).setBigUint64(
          address,
          BigInt(Math.trunc(this.#world.nowMs())) * 1_000_000n,
          true,
        );
      }),
      [MEMORY_IMPORT.module]: { [MEMORY_IMPORT.name]: this.#memory },
    });
    this.#exports = instance.exports as unknown as QuickJsExports;
    this.#rejections = new PendingRejections(this.#exports);
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
    this.#exports.__stack_pointer.value = STACK_TOP;
    if (image === undefined) this.#start();
    else image.restore(this.#bytes);
  }

  #start(): void {
    this.#exports._initialize();
    if (this.#exports.qjs_init2(INTRINSICS) !== 0) throw new OutOfMemory();
    this.#exports.qjs_set_max_stack_size(JS_STACK_BYTES);
    this.#exports.qjs_set_interrupt_handler(1);
    this.#exports.qjs_set_promise_rejection_handler(1);
  }

  /** Moves a machine that nothing has run in since it began as an image to the world of its compartment. */
  moveTo(world: MachineWorld): void {
    this.#world = world;
  }

  get sizeBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** The whole memory, for images and for those who look for residue. */
  get memory(): Uint8Array {
    this.#refresh();
    return this.#bytes;
  }

  /** Puts memory and stack pointer back. Only between calls, and only on a machine that has not grown. */
  restore(image: MemoryImage): void {
    this.#rejections.forget();
    this.memory.fill(0, 0, this.#scratchEnd);
    this.#scratchEnd = TRANSFER_START;
    image.restore(this.#bytes);
    this.#exports.__stack_pointer.value = STACK_TOP;
  }

  /** What the machine holds now; only while nothing runs in it, when the scratch area holds no state. */
  takeImage(): MemoryImage {
    this.memory.fill(0, 0, this.#scratchEnd);
    this.#scratchEnd = TRANSFER_START;
    return MemoryImage.take(this.#memory.buffer, SCRATCH_BYTES);
  }

  limitMemory(bytes: number): void {
    this.#exports.qjs_set_memory_limit(bytes);
  }

  /** Frees what nothing refers to, and makes room for `bytes` without growing. */
  settleMemory(bytes: number): void {
    this.#exports.qjs_run_gc();
    const room = this.#exports.wasm_malloc(bytes);
    if (room !== 0) this.#exports.wasm_free(room);
  }

  /**
   * Compiles a classic script; answers with its bytecode, or with `undefined` when it is not one. For `evaluate`
   * of a machine of the same build only: QuickJS believes what bytecode says.
   */
  compile(code: string, sourceName: string, keepsSource: boolean): Uint8Array | undefined {
    const text = this.#writeText(`${code}\0`);
    const name = this.#writeText(`${sourceName}\0`, text.end);
    const flags = keepsSource ? 0 : STRIP_SOURCE;
    const start = this.#exports.qjs_compile(text.start, text.length - 1, name.start, 0, flags, ANSWERS_AT);
    if (start === 0) return undefined;
    this.#refresh();
    return new Uint8Array(this.#bytes.subarray(start, start + (this.#words[ANSWERS_AT / 4] ?? 0)));
  }

  /** Evaluates what `compile` made; answers with the script's completion value, or with `undefined` when it threw. */
  evaluate(bytecode: Uint8Array): Box | undefined {
    const start = this.#allocate(bytecode.length);
    this.#bytes.set(bytecode, start);
    const box = this.#exports.qjs_eval_bytecode(start, bytecode.length);
    this.#refresh();
    // What is left of it would stand in every image.
    this.#bytes.fill(0, start, start + bytecode.length);
    this.#exports.wasm_free(start);
    return this.#checked(box);
  }

  makeHostFunction(name: string): Box {
    const { start, length } = this.#writeText(`${name}\0`);
    return this.#exports.qjs_new_host_function(start, length - 1, 0);
  }

  /** A member of an object; for objects that the guest library made, before foreign code ran. */
  member(object: Box, name: string): Box {
    const { start } = this.#writeText(`${name}\0`);
    return this.#exports.qjs_get_prop_string(object, start);
  }

  /** Calls a function with boxes; answers with its value, or with `undefined` when it threw. */
  callBoxes(target: Box, boxes: readonly Box[]): Box | undefined {
    const undefinedBox = this.#exports.qjs_get_undefined();
    this.#refresh();
    let at = ARGUMENTS_AT / 4;
    for (const box of boxes) {
      this.#words[at] = box;
      at += 1;
    }
    return this.#checked(this.#exports.qjs_call(target, undefinedBox, boxes.length, ARGUMENTS_AT));
  }

  /** Calls a function; answers with its value, or with `undefined` when it threw. */
  call(target: Box, args: readonly Argument[]): Box | undefined {
    if (args.length > MAX_ARGUMENTS) throw new OutOfMemory();
    const boxes: Box[] = [];
    for (const argument of args) boxes.push(this.#box(argument));
    return this.callBoxes(target, boxes);
  }

  /** A string of the guest. */
  makeText(text: string): Box {
    return this.#box(text);
  }

  /** Runs promise jobs until there are none. False when `mayGoOn` said no, or a job threw. */
  runJobs(mayGoOn: () => boolean): boolean {
    while (this.#exports.qjs_is_job_pending() !== 0) {
      if (!mayGoOn() || this.#exports.qjs_execute_pending_job() < 0) return false;
    }
    return true;
  }

  /** What a promise was rejected with that nobody handles, now that no job is left; `undefined` when there is none. */
  takeRejection(): Box | undefined {
    return this.#rejections.take();
  }

  /** What was thrown last, if it is an object or a string: for words only, it may be anything. */
  takeException(): Box {
    return this.#exports.qjs_get_exception();
  }

  /** The text of a value that is a string already; never runs the guest. */
  text(box: Box): string | undefined {
    if (this.#exports.qjs_is_string(box) === 0) return undefined;
    const start = this.#exports.qjs_get_string_len(box, ANSWERS_AT);
    if (start === 0) throw new OutOfMemory();
    this.#refresh();
    const length = this.#words[ANSWERS_AT / 4] ?? 0;
    const text = this.#bytes.toString("utf8", start, start + length);
    this.#exports.qjs_free_cstring(start);
    return text;
  }

  #checked(box: Box): Box | undefined {
    if (box === 0) throw new OutOfMemory();
    return this.#exports.qjs_is_exception(box) === 0 ? box : undefined;
  }

  #box(argument: Argument): Box {
    const box = this.#rawBox(argument);
    if (box === 0 || this.#exports.qjs_is_exception(box) !== 0) throw new OutOfMemory();
    return box;
  }

  #rawBox(argument: Argument): Box {
    switch (typeof argument) {
      case "number":
        return this.#exports.qjs_new_number(argument);
      case "boolean":
        // Numbers are enough for the guest library, which only asks whether it is truthy.
        return this.#exports.qjs_new_number(argument ? 1 : 0);
      case "undefined":
        return this.#exports.qjs_get_undefined();
      case "string": {
        const { start, length, isOwned } = this.#writeText(argument);
        const box = this.#exports.qjs_new_string(start, length);
        if (isOwned) this.#exports.wasm_free(start);
        return box;
      }
      default: {
        const start = this.#allocate(argument.length);
        this.#bytes.set(argument, start);
        const box = this.#exports.qjs_new_uint8_array(start, argument.length);
        this.#exports.wasm_free(start);
        return box;
      }
    }
  }

  /** Writes UTF-8 to the transfer area from `from` on, or to memory of its own when it does not fit. */
  #writeText(text: string, from = TRANSFER_START): { start: number; end: number; length: number; isOwned: boolean } {
    this.#refresh();
    // A UTF-16 unit has at most 3 bytes.
    if (text.length * 3 <= SCRATCH_BYTES - from) {
      const length = this.#bytes.write(text, from, SCRATCH_BYTES - from, "utf8");
      this.#scratchEnd = Math.max(this.#scratchEnd, from + length);
      return { start: from, end: from + length, length, isOwned: false };
    }
    const length = Buffer.byteLength(text);
    const start = this.#allocate(length);
    this.#bytes.write(text, start, length, "utf8");
    return { start, end: from, length, isOwned: true };
  }

  #allocate(bytes: number): number {
    const start = this.#exports.wasm_malloc(Math.max(bytes, 1));
    if (start === 0) throw new OutOfMemory();
    this.#refresh();
    return start;
  }

  /** A memory that grew has a new buffer; the old one has length 0. */
  #refresh(): void {
    if (this.#bytes.length !== 0) return;
    this.#bytes = Buffer.from(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
  }

  #hostCall(name: number, count: number, boxes: number): Box {
    this.#refresh();
    const reader: ArgumentReader = {
      count,
      number: (index) => {
        const box = this.#argument(boxes, count, index);
        return box !== 0 && this.#exports.qjs_is_number(box) !== 0 ? this.#exports.qjs_get_float64(box) : undefined;
      },
      text: (index) => {
        const box = this.#argument(boxes, count, index);
        return box === 0 ? undefined : this.text(box);
      },
      bytes: (index) => this.#readBytes(this.#argument(boxes, count, index)),
    };
    return this.#box(this.#world.hear(this.#bytes[name] ?? 0, reader));
  }

  #argument(boxes: number, count: number, index: number): Box {
    if (index >= count) return 0;
    this.#refresh();
    return this.#words[boxes / 4 + index] ?? 0;
  }

  /** A copy of a Uint8Array's bytes; `undefined` for everything else. */
  #readBytes(box: Box): Uint8Array | undefined {
    if (box === 0 || this.#exports.qjs_is_object(box) === 0) return undefined;
    const buffer = this.#exports.qjs_get_typed_array_buffer(box, ANSWERS_AT, ANSWERS_AT + 4, ANSWERS_AT + 8);
    if (buffer === 0 || this.#exports.qjs_is_exception(buffer) !== 0) return undefined;
    this.#refresh();
    const [offset = 0, length = 0, elementBytes = 0] = this.#words.subarray(ANSWERS_AT / 4, ANSWERS_AT / 4 + 3);
    const data = this.#exports.qjs_get_array_buffer(buffer, ANSWERS_AT);
    if (elementBytes !== 1 || (data === 0 && length > 0)) return undefined;
    return new Uint8Array(this.#bytes.subarray(data + offset, data + offset + length));
  }
}
