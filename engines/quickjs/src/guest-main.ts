// What stands between the guest library and a machine, inside the guest. Bundled with the library into one script.
import { boot as bootGuest, reportFailure } from "@berth/guest";
import type { LibraryPart, PartMaker } from "@berth/guest";

/** Host functions pass byte sections as arguments of their own, so that the host never reads a foreign array. */
type FlatPost = (kind: number, id: number, head: string, json: string, ...bytes: Uint8Array[]) => void;

/** Like `GuestEntry`, with byte sections at the end. */
interface FlatEntry {
  start(): string;
  prepare(part: LibraryPart, make: PartMaker): void;
  call(callId: number, action: string, json: string, about: string, ...bytes: Uint8Array[]): string | undefined;
  stream(callId: number, action: string, json: string, about: string, ...bytes: Uint8Array[]): undefined;
  pull(callId: number): undefined;
  settle(requestId: number, isOk: boolean, json: string, ...bytes: Uint8Array[]): void;
  cancel(callId: number): void;
  fire(timerId: number): void;
  /** What was thrown, in JSON: reading it runs foreign code, so that happens in here. */
  describe(error: unknown): string;
}

const orNone = (bytes: Uint8Array[]): Uint8Array[] | undefined => (bytes.length === 0 ? undefined : bytes);

export function boot(post: FlatPost, drawWord: () => number, partScript: (part: string) => string): FlatEntry {
  const random = new CallRandom(drawWord);
  Math.random = () => random.draw();
  const entry = bootGuest((kind, id, head, json, bytes = []) => post(kind, id, head, json, ...bytes), {
    fillRandom: (bytes) => fillWithWords(bytes, drawWord),
    partScript: (part) => partScript(part),
  });
  return {
    start: () => entry.start(),
    prepare: (part, make) => entry.prepare(part, make),
    call(callId, action, json, about, ...bytes) {
      random.forget();
      return entry.call(callId, action, json, orNone(bytes), about);
    },
    stream(callId, action, json, about, ...bytes) {
      random.forget();
      return entry.stream(callId, action, json, orNone(bytes), about);
    },
    pull: (callId) => entry.pull(callId),
    settle: (requestId, isOk, json, ...bytes) => entry.settle(requestId, isOk, json, orNone(bytes)),
    cancel: (callId) => entry.cancel(callId),
    fire: (timerId) => entry.fire(timerId),
    describe: reportFailure,
  };
}

/** Every byte is the host's: nothing here stretches randomness. */
function fillWithWords(bytes: Uint8Array, drawWord: () => number): void {
  let word = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    word = index % 4 === 0 ? drawWord() : word >>> 8;
    bytes[index] = word & 0xff;
  }
}

/**
 * Math.random by xoshiro128** (Blackman and Vigna, 2018), seeded by the host when a call first draws: QuickJS's
 * own generator is part of the image, so every call would draw the same numbers.
 */
class CallRandom {
  readonly #drawWord: () => number;
  #state: [number, number, number, number] | undefined;

  constructor(drawWord: () => number) {
    this.#drawWord = drawWord;
  }

  /** What was drawn while the plugin was loaded must not decide what calls draw. */
  forget(): void {
    this.#state = undefined;
  }

  /** 53 random bits as a number from 0 up to, but not including, 1. */
  draw(): number {
    return ((this.#next() >>> 5) * 67_108_864 + (this.#next() >>> 6)) / 2 ** 53;
  }

  #next(): number {
    const word = this.#drawWord;
    const [a, b, c, d] = (this.#state ??= [word(), word(), word(), word()]);
    const x = Math.imul(b, 5);
    const e = c ^ a;
    const f = d ^ b;
    this.#state = [a ^ f, b ^ e, e ^ (b << 9), (f << 11) | (f >>> 21)];
    return Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
  }
}
