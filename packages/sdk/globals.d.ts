// The globals that a plugin finds beside those of the language, the same at every security level. For the
// compiler and the editor of a plugin: its tsconfig includes this file, and no library of Node or a browser.

declare function setTimeout<Args extends unknown[]>(
  callback: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
declare function setInterval<Args extends unknown[]>(
  callback: (...args: Args) => void,
  ms?: number,
  ...args: Args
): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
/** An error of the callback that nobody catches fails the call. */
declare function queueMicrotask(callback: () => void): void;

/** Base64 to text of one character for each byte. */
declare function atob(text: string): string;
/** Text of one character for each byte, up to U+00FF, to base64. */
declare function btoa(binary: string): string;
/** Copies JSON's values, dates, maps, sets, buffers and their views, errors and cycles. Nothing can be transferred. */
declare function structuredClone<Value>(value: Value): Value;

/** Lines of the plugin's log. */
declare const console: {
  debug(...values: unknown[]): void;
  error(...values: unknown[]): void;
  info(...values: unknown[]): void;
  log(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  warn(...values: unknown[]): void;
};

declare const performance: {
  /** Whole milliseconds since the first call of this state. At strict they move on only while an action waits. */
  now(): number;
};

type IntegerArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Within calls: while a plugin is loaded there are no random bytes. */
declare const crypto: {
  /** Fills up to 65,536 bytes at a time. */
  getRandomValues<Kind extends IntegerArray>(array: Kind): Kind;
  randomUUID(): string;
  readonly subtle: {
    digest(
      algorithm: "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512" | { name: string },
      data: ArrayBuffer | ArrayBufferView,
    ): Promise<ArrayBuffer>;
  };
};

interface TextEncoder {
  readonly encoding: string;
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
}
declare const TextEncoder: { new (): TextEncoder; readonly prototype: TextEncoder };

interface TextDecoder {
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
declare const TextDecoder: {
  /** UTF-8 only. */
  new (label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean }): TextDecoder;
  readonly prototype: TextDecoder;
};

interface AbortEvent {
  readonly type: "abort";
  readonly target: AbortSignal;
}
type AbortListener = (event: AbortEvent) => void;

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  onabort: AbortListener | null;
  addEventListener(
    type: "abort",
    listener: AbortListener | { handleEvent: AbortListener },
    options?: { once?: boolean },
  ): void;
  removeEventListener(type: "abort", listener: AbortListener | { handleEvent: AbortListener }): void;
  throwIfAborted(): void;
}
declare const AbortSignal: {
  readonly prototype: AbortSignal;
  abort(reason?: unknown): AbortSignal;
  /** Takes the call's own signal too. */
  any(signals: Iterable<Pick<AbortSignal, "aborted" | "reason">>): AbortSignal;
  /** Only while a call is under way. */
  timeout(ms: number): AbortSignal;
};

interface AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare const AbortController: { new (): AbortController; readonly prototype: AbortController };

interface URLSearchParams extends Iterable<[string, string]> {
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  toString(): string;
}
declare const URLSearchParams: {
  new (
    init?: string | URLSearchParams | Iterable<readonly [string, string]> | Readonly<Record<string, string>>,
  ): URLSearchParams;
  readonly prototype: URLSearchParams;
};

interface URL {
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}
declare const URL: {
  new (url: string | URL, base?: string | URL): URL;
  canParse(url: string | URL, base?: string | URL): boolean;
  parse(url: string | URL, base?: string | URL): URL | null;
  readonly prototype: URL;
};
