import { concatBytes } from "@berth/base";

/** Frames that leave at once: the other end works on them while this one goes on. */
const FRAMES_PER_WRITE = 16;

/** Joins frames of one turn into few writes: a system call costs more than a small call. */
export class BatchedPipe {
  readonly #write: (bytes: Uint8Array) => void;
  #parts: Uint8Array[] = [];
  #isScheduled = false;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  readonly write = (bytes: Uint8Array): void => {
    this.#parts.push(bytes);
    if (this.#parts.length >= FRAMES_PER_WRITE) return this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the microtasks of this turn, which may send more.
    process.nextTick(this.#flushScheduled);
  };

  readonly #flushScheduled = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /** Writes what waits, for frames that must not be lost to what comes next. */
  flush(): void {
    const [first, ...rest] = this.#parts;
    if (first === undefined) return;
    this.#parts = [];
    this.#write(rest.length === 0 ? first : concatBytes([first, ...rest]));
  }
}
