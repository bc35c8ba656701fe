import type { EngineDescriptor } from "./engine.ts";
import { Sandbox } from "./node-sandbox.ts";
import type { StartProcess } from "./node-start.ts";
import type { ChosenWall } from "./walls/node-machine-walls.ts";

/** How long after the last start spares are started: whoever needed a process has it by then. */
const REFILL_MS = 1_000;

/** Processes that were started for nobody yet. One that was used never comes back. */
export class Spares {
  readonly #count: number;
  readonly #spares = new Map<string, Sandbox[]>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #start: StartProcess;
  #isClosed = false;

  /** `count`: for each engine and wall in use. */
  constructor(count: number, start: StartProcess) {
    this.#count = count;
    this.#start = start;
  }

  /** A process for whoever asks: a spare if there is one. */
  take(engine: EngineDescriptor, chosen: ChosenWall): Sandbox {
    const spares = this.#of(engine, chosen);
    let sandbox = spares.shift();
    while (sandbox?.hasEnded === true) sandbox = spares.shift();
    sandbox ??= new Sandbox(engine, chosen, this.#start);
    sandbox.setKeepsAlive(true);
    this.#refillLater(engine, chosen);
    return sandbox;
  }

  /** Starts what is missing. */
  refill(engine: EngineDescriptor, chosen: ChosenWall): void {
    if (this.#isClosed) return;
    const spares = this.#of(engine, chosen);
    const alive = spares.filter(({ hasEnded }) => !hasEnded);
    spares.splice(0, spares.length, ...alive);
    while (spares.length < this.#count) {
      const spare = new Sandbox(engine, chosen, this.#start);
      spare.setKeepsAlive(false);
      spares.push(spare);
    }
  }

  /** Not at once: a program that is about to end starts none, and a first call has the machine for itself. */
  #refillLater(engine: EngineDescriptor, chosen: ChosenWall): void {
    if (this.#count === 0 || this.#isClosed) return;
    const key = keyOf(engine, chosen);
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      try {
        this.refill(engine, chosen);
      } catch {
        // The system refuses processes now: whoever needs one hears of it when they ask.
      }
    }, REFILL_MS);
    this.#timers.set(key, timer.unref());
  }

  #of(engine: EngineDescriptor, chosen: ChosenWall): Sandbox[] {
    const key = keyOf(engine, chosen);
    let spares = this.#spares.get(key);
    if (spares === undefined) this.#spares.set(key, (spares = []));
    return spares;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const spares of this.#spares.values()) for (const spare of spares) spare.end("closed");
    this.#spares.clear();
  }
}

const keyOf = (engine: EngineDescriptor, { wall }: ChosenWall): string => `${engine.entry}/${wall.name}`;
