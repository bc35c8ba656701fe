/** `crypto` as far as it needs no keys: random bytes and digests (w3.org/TR/webcrypto-2, 10 and 14). */
import { namedError } from "./named-error.ts";

const QUOTA_BYTES = 65_536;
const INTEGER_ARRAYS = /^(?:(?:Int|Uint)(?:8|16|32)|Uint8Clamped|Big(?:Int|Uint)64)Array$/u;

export type Digest = (bytes: Uint8Array) => Uint8Array;

/** What `crypto` stands on. */
export interface CryptoPowers {
  /** Fills with bytes from a secure source, at most 65,536 at a time. */
  fillRandom(bytes: Uint8Array): void;
  /** The digests by their names, loaded when they are first asked for. */
  digests(): Readonly<Record<string, Digest>>;
}

const { apply } = Reflect;
const kindOf = Object.getOwnPropertyDescriptor(
  Reflect.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined;

/** The bytes of a buffer or a view, not copied. */
function bytesOf(data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("Data must be an ArrayBuffer or a view of one");
}

export function makeCrypto({ fillRandom, digests }: CryptoPowers): object {
  const getRandomValues = (array: unknown): unknown => {
    const kind = ArrayBuffer.isView(array) ? apply(kindOf, array, []) : undefined;
    if (kind === undefined || !INTEGER_ARRAYS.test(kind))
      throw namedError("TypeMismatchError", "getRandomValues fills typed arrays of integers");
    const bytes = bytesOf(array);
    if (bytes.length > QUOTA_BYTES)
      throw namedError(
        "QuotaExceededError",
        `getRandomValues fills up to ${QUOTA_BYTES} bytes at a time, not ${bytes.length}`,
      );
    if (bytes.length > 0) fillRandom(bytes);
    return array;
  };

  /** A UUID of version 4 (RFC 9562, 5.4). */
  const randomUUID = (): string => {
    const bytes = new Uint8Array(16);
    fillRandom(bytes);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    let hex = "";
    for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  };

  const digest = async (algorithm: unknown, data: unknown): Promise<ArrayBuffer> => {
    const named =
      typeof algorithm === "object" && algorithm !== null ? (algorithm as { name?: unknown }).name : algorithm;
    const name = String(named).toUpperCase();
    // Copied before anything else runs (14.3.5, step 2).
    const bytes = bytesOf(data).slice();
    const table = digests();
    const run = Object.hasOwn(table, name) ? table[name] : undefined;
    if (run === undefined)
      throw namedError("NotSupportedError", `The digest ${JSON.stringify(name.slice(0, 50))} is not available`);
    return run(bytes).slice().buffer;
  };

  return Object.freeze({ getRandomValues, randomUUID, subtle: Object.freeze({ digest }) });
}
