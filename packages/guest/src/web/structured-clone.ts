/**
 * `structuredClone` (html.spec.whatwg.org, 2.7.3 and 2.7.5) without transfer. Works through a list, not by calls:
 * how deep a value nests must not depend on the engine's stack.
 */
import { namedError } from "./named-error.ts";

type Getter = (this: unknown) => unknown;
const getterOf = (holder: object, name: PropertyKey): Getter =>
  Object.getOwnPropertyDescriptor(holder, name)?.get as Getter;

/** Taken before a plugin can replace them; each throws for what is not of its kind. */
const { apply, getPrototypeOf, ownKeys } = Reflect;
const kindOfTypedArray = getterOf(getPrototypeOf(Uint8Array.prototype) as object, Symbol.toStringTag);
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, "byteLength");
const brands = {
  map: [Map, getterOf(Map.prototype, "size")],
  set: [Set, getterOf(Set.prototype, "size")],
  date: [Date, Date.prototype.getTime],
  buffer: [ArrayBuffer, lengthOfBuffer],
  pattern: [RegExp, getterOf(RegExp.prototype, "source")],
} as const;
const arrays = new Map<string, new (buffer: ArrayBuffer, offset: number, length: number) => object>(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    ...("Float16Array" in globalThis
      ? [(globalThis as unknown as { Float16Array: typeof Float32Array }).Float16Array]
      : []),
  ].map((make) => [make.name, make]),
);
const errors = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((make) => [make.name, make]),
);

/** Whether the object is of that kind, and not one that only inherits from it. */
function is([kind, read]: (typeof brands)[keyof typeof brands], value: object): boolean {
  return value instanceof kind && answers(read, value);
}

function answers(read: (this: never) => unknown, value: object): boolean {
  try {
    apply(read, value, []);
    return true;
  } catch {
    return false; // Of another kind: that is the answer.
  }
}

const notCloned = (what: string): Error => namedError("DataCloneError", `${what} could not be cloned`);

class Cloner {
  readonly #made = new Map<object, object>();
  readonly #pending: (() => void)[] = [];

  run(value: unknown): unknown {
    const clone = this.#take(value);
    for (let fill = this.#pending.pop(); fill !== undefined; fill = this.#pending.pop()) fill();
    return clone;
  }

  /** A primitive itself; for an object its clone, which is filled later. */
  #take(value: unknown): unknown {
    if (typeof value === "symbol") throw notCloned("A symbol");
    if (typeof value === "function") throw notCloned("A function");
    if (typeof value !== "object" || value === null) return value;
    const known = this.#made.get(value);
    if (known !== undefined) return known;
    const clone = this.#make(value);
    this.#made.set(value, clone);
    return clone;
  }

  #make(value: object): object {
    if (Array.isArray(value)) return this.#fillMembers(value, [], value.length);
    const prototype = getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#fillMembers(value, {});
    return this.#makeBuiltIn(value) ?? this.#fillMembers(value, {});
  }

  #makeBuiltIn(value: object): object | undefined {
    if (ArrayBuffer.isView(value)) return this.#makeView(value);
    if (is(brands.map, value)) return this.#fillMap(value as Map<unknown, unknown>);
    if (is(brands.set, value)) return this.#fillSet(value as Set<unknown>);
    if (is(brands.date, value)) return new Date(apply(brands.date[1], value, []));
    if (is(brands.buffer, value)) return copyBuffer(value as ArrayBuffer);
    if (is(brands.pattern, value)) return new RegExp(value as RegExp);
    if (value instanceof Error) return this.#makeError(value);
    for (const kind of [Boolean, Number, String, BigInt])
      if (value instanceof kind && answers(kind.prototype.valueOf, value))
        return Object(apply(kind.prototype.valueOf, value, [])) as object;
    for (const kind of [Symbol, Promise, WeakMap, WeakSet])
      if (value instanceof kind) throw notCloned(`A ${kind.name}`);
    return undefined;
  }

  /** Own enumerable members with names; what the object inherits from is not kept. */
  #fillMembers(value: object, clone: object, length?: number): object {
    this.#pending.push(() => {
      if (length !== undefined) (clone as unknown[]).length = length;
      for (const key of ownKeys(value)) {
        if (typeof key !== "string" || !Object.prototype.propertyIsEnumerable.call(value, key)) continue;
        const member = this.#take((value as Record<string, unknown>)[key]);
        Object.defineProperty(clone, key, { value: member, writable: true, enumerable: true, configurable: true });
      }
    });
    return clone;
  }

  #fillMap(value: Map<unknown, unknown>): Map<unknown, unknown> {
    const clone = new Map<unknown, unknown>();
    this.#pending.push(() => {
      for (const [key, member] of Map.prototype.entries.call(value)) clone.set(this.#take(key), this.#take(member));
    });
    return clone;
  }

  #fillSet(value: Set<unknown>): Set<unknown> {
    const clone = new Set<unknown>();
    this.#pending.push(() => {
      for (const member of Set.prototype.values.call(value)) clone.add(this.#take(member));
    });
    return clone;
  }

  /** Views of one buffer stay views of one buffer. */
  #makeView(value: ArrayBufferView): object {
    const buffer = this.#take(value.buffer) as ArrayBuffer;
    const kind = apply(kindOfTypedArray, value, []) as string | undefined;
    if (kind === undefined) return new DataView(buffer, value.byteOffset, value.byteLength);
    const make = arrays.get(kind);
    if (make === undefined) throw notCloned("An array of this kind");
    return new make(buffer, value.byteOffset, (value as Uint8Array).length);
  }

  #makeError(value: Error): object {
    const clone = new (errors.get(String(value.name)) ?? Error)();
    const own = (key: string): void => {
      const descriptor = Object.getOwnPropertyDescriptor(value, key);
      if (descriptor === undefined || !("value" in descriptor)) return;
      const given = key === "cause" ? this.#take(descriptor.value) : String(descriptor.value);
      Object.defineProperty(clone, key, { value: given, writable: true, enumerable: false, configurable: true });
    };
    Object.defineProperty(clone, "stack", {
      value: String(value.stack),
      writable: true,
      enumerable: false,
      configurable: true,
    });
    this.#pending.push(() => {
      own("message");
      own("cause");
    });
    return clone;
  }
}

function copyBuffer(value: ArrayBuffer): ArrayBuffer {
  const copy = new Uint8Array(apply(lengthOfBuffer, value, []) as number);
  copy.set(new Uint8Array(value));
  return copy.buffer;
}

export function structuredClone(value: unknown, options?: { transfer?: unknown }): unknown {
  if (arguments.length === 0) throw new TypeError("structuredClone needs a value");
  const transfer = options?.transfer;
  if (transfer !== undefined && [...(transfer as Iterable<unknown>)].length > 0)
    throw namedError("DataCloneError", "Nothing can be transferred: a plugin has one place only");
  return new Cloner().run(value);
}
