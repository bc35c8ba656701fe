import type { KernelMemory } from "./kernel-memory.ts";
import { refused } from "./refusal.ts";
import { suspending } from "./suspension.ts";

/** Variables of one plugin, all together. */
const MAX_VARIABLE_BYTES = 1_048_576;
const MAX_VARIABLES = 1_024;
const MAX_ABORT_UNITS = 1_000;

/** What host functions need to know of the call under way. */
export interface CallState {
  readonly kernel: KernelMemory;
  readonly input: Uint8Array;
  /** Where the plugin put its answer, or what went wrong. */
  output: { readonly offset: number; readonly length: number } | undefined;
  error: string | undefined;
  /** The plugin's settings, as they were when the call first asked for one. */
  settings: Readonly<Record<string, unknown>> | undefined;
  /** What the last request over the network was answered with, besides its body. */
  response: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined;
}

/** What host functions reach of the world. */
export interface HostWorld {
  /** @throws a refusal when no call is under way */
  call(): CallState;
  /** The same, for a function that waits. @throws a refusal also when the module cannot be suspended now */
  waitingCall(): CallState;
  /** The plugin's variables; they live as long as its instance. */
  readonly variables: Map<string, Uint8Array>;
  /** The instance's own memory, if it exports one. */
  memory(): ArrayBuffer | undefined;
  random(): number;
  /** Asks the broker; the module is suspended until it has answered. @throws refusals only: the broker's, ABORTED */
  ask(method: string, request: object): Promise<unknown>;
  log(level: "debug" | "info" | "warn" | "error", text: string): void;
}

type HostFunction = ((...args: never[]) => unknown) | object;

/** Functions during which a module waits for the broker. */
export const WAITING_FUNCTIONS: ReadonlySet<string> = new Set(["config_get", "http_request"]);

/** An address or a length; what is not exact is outside every memory anyway. */
const toNumber = (value: bigint): number => Number(BigInt.asUintN(64, value));

/**
 * The functions that a module may import, by module and name: Extism's kernel (its plug-in ABI, version 1) and
 * what AssemblyScript's runtime needs. There is no WASI.
 */
export function makeHostFunctions(world: HostWorld): Readonly<Record<string, Readonly<Record<string, HostFunction>>>> {
  const { variables } = world;
  const log =
    (level: "debug" | "info" | "warn" | "error") =>
    (offset: bigint): void =>
      world.log(level, world.call().kernel.text(toNumber(offset)));
  return {
    "extism:host/env": {
      alloc: (length: bigint) => BigInt(world.call().kernel.allocate(toNumber(length))),
      free: (offset: bigint) => world.call().kernel.free(toNumber(offset)),
      length: (offset: bigint) => BigInt(world.call().kernel.lengthOf(toNumber(offset))),
      length_unsafe: (offset: bigint) => BigInt(world.call().kernel.lengthOf(toNumber(offset))),
      load_u8: (offset: bigint) => world.call().kernel.loadByte(toNumber(offset)),
      load_u64: (offset: bigint) => world.call().kernel.loadWord(toNumber(offset)),
      store_u8: (offset: bigint, value: number) => world.call().kernel.storeByte(toNumber(offset), value),
      store_u64: (offset: bigint, value: bigint) => world.call().kernel.storeWord(toNumber(offset), value),
      input_length: () => BigInt(world.call().input.length),
      input_load_u8: (offset: bigint) => inputByte(world.call().input, toNumber(offset)),
      input_load_u64: (offset: bigint) => inputWord(world.call().input, toNumber(offset)),
      output_set(offset: bigint, length: bigint) {
        world.call().output = { offset: toNumber(offset), length: toNumber(length) };
      },
      error_set(offset: bigint) {
        const call = world.call();
        call.error = offset === 0n ? undefined : call.kernel.text(toNumber(offset));
      },
      var_get(key: bigint) {
        const { kernel } = world.call();
        const value = variables.get(kernel.text(toNumber(key)));
        return value === undefined ? 0n : BigInt(kernel.write(value));
      },
      var_set(key: bigint, value: bigint) {
        const { kernel } = world.call();
        setVariable(variables, kernel.text(toNumber(key)), value === 0n ? undefined : kernel.read(toNumber(value)));
      },
      log_trace: log("debug"),
      log_debug: log("debug"),
      log_info: log("info"),
      log_warn: log("warn"),
      log_error: log("error"),
      // 0 is "trace": every line is wanted.
      get_log_level: () => 0,
      // What may be refused at once is refused before there is a promise: nobody would wait for that.
      config_get: suspending((key: bigint) => readSetting(world, world.waitingCall(), toNumber(key))),
      http_request: suspending((request: bigint, body: bigint) =>
        fetchFor(world, world.waitingCall(), toNumber(request), toNumber(body)),
      ),
      http_status_code: () => world.call().response?.status ?? 0,
      http_headers() {
        const { kernel, response } = world.call();
        return response === undefined ? 0n : BigInt(kernel.write(Buffer.from(JSON.stringify(response.headers))));
      },
    },
    env: {
      abort(message: number): never {
        throw refused("ABORTED", readManagedText(world.memory(), message) ?? "the plugin aborted");
      },
      seed: () => world.random(),
    },
  };
}

/** The block that holds a setting: a text as it is, anything else as JSON; 0 when there is none of that name. */
async function readSetting(world: HostWorld, call: CallState, key: number): Promise<bigint> {
  const name = call.kernel.text(key);
  call.settings ??= ((await world.ask("config.get", {})) as { value: Readonly<Record<string, unknown>> }).value;
  if (!Object.hasOwn(call.settings, name)) return 0n;
  const value = call.settings[name];
  return BigInt(call.kernel.write(Buffer.from(typeof value === "string" ? value : JSON.stringify(value))));
}

/** Sends the request that a block describes; the block that holds the body of its answer. */
async function fetchFor(world: HostWorld, call: CallState, request: number, body: number): Promise<bigint> {
  const sent = body === 0 ? {} : { body: call.kernel.read(body) };
  const answer = await world.ask("network.fetch", { ...readHttpRequest(call.kernel.text(request)), ...sent });
  const {
    status,
    headers,
    body: received,
  } = answer as {
    status: number;
    headers: Readonly<Record<string, string>>;
    body: Uint8Array;
  };
  call.response = { status, headers };
  return BigInt(call.kernel.write(received));
}

/** A request in the words of Extism's kits: `{"url", "method"?, "headers"?}`; the oldest say `header`. */
function readHttpRequest(text: string): object {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    request = undefined; // Refused with everything else that is no object.
  }
  if (typeof request !== "object" || request === null || Array.isArray(request))
    throw refused("INVALID", "a request over the network is described by a JSON object with a url");
  const { url, method = "GET", headers, header } = request as Readonly<Record<string, unknown>>;
  return { url, method, headers: headers ?? header ?? {} };
}

function inputByte(input: Uint8Array, offset: number): number {
  const byte = input[offset];
  if (byte === undefined) throw refused("INVALID", "the plugin reads beyond its input");
  return byte;
}

function inputWord(input: Uint8Array, offset: number): bigint {
  if (offset + 8 > input.length) throw refused("INVALID", "the plugin reads beyond its input");
  return new DataView(input.buffer, input.byteOffset + offset, 8).getBigUint64(0, true);
}

/** @throws a refusal: LIMIT */
function setVariable(variables: Map<string, Uint8Array>, name: string, value: Uint8Array | undefined): void {
  if (value === undefined) return void variables.delete(name);
  let bytes = name.length * 2 + value.length;
  for (const [other, kept] of variables) if (other !== name) bytes += other.length * 2 + kept.length;
  if (bytes > MAX_VARIABLE_BYTES || (variables.size >= MAX_VARIABLES && !variables.has(name)))
    throw refused("LIMIT", `a plugin's variables have at most ${MAX_VARIABLE_BYTES} bytes together`);
  variables.set(name, value);
}

/** A string of AssemblyScript's: UTF-16 at an address, its length in bytes in the word before. */
function readManagedText(memory: ArrayBuffer | undefined, address: number): string | undefined {
  if (memory === undefined || address < 4 || address > memory.byteLength) return undefined;
  const bytes = new DataView(memory).getUint32(address - 4, true);
  const length = Math.min(bytes, MAX_ABORT_UNITS * 2, memory.byteLength - address);
  return Buffer.from(memory, address, length).toString("utf16le");
}
