import type { Logger } from "pino";

import { lastSequence, readChanges } from "../catalogue/change-feed.ts";
import type { Database } from "../database/open-database.ts";
import type { FeedConsumer } from "./consumer.ts";

const BATCH = 500;

/**
 * Keeps everything that is derived from the catalogue up to date: after each write of this server at
 * once, after those of other servers on the same database within the polling interval.
 */
export class Follower {
  readonly #db: Database;
  readonly #consumers: readonly FeedConsumer[];
  readonly #log: Logger;
  readonly #late = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(db: Database, consumers: readonly FeedConsumer[], log: Logger) {
    this.#db = db;
    this.#consumers = consumers;
    this.#log = log;
  }

  /**
   * Brings every consumer to the catalogue's state and goes on polling. A consumer that is ahead of the
   * catalogue belongs to another one, or to a backup's future, and starts over.
   */
  async start(pollMs: number): Promise<void> {
    const last = await lastSequence(this.#db);
    for (const consumer of this.#consumers) {
      if (consumer.position > last || consumer.position < 0) await consumer.rebuild(last);
    }
    await this.catchUp();
    const poll = async (): Promise<void> => {
      await this.catchUp();
      if (!this.#isStopped) this.#timer = setTimeout(() => void poll(), pollMs).unref();
    };
    this.#timer = setTimeout(() => void poll(), pollMs).unref();
  }

  /** Consumers that could not take in the newest changes; empty when all is well. */
  get late(): readonly string[] {
    return [...this.#late];
  }

  /** Takes in all changes that were committed before the call. Failures are logged and tried again. */
  catchUp(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#catchUp());
    return this.#turn;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  async #catchUp(): Promise<void> {
    for (const consumer of this.#consumers) {
      try {
        for (;;) {
          const changes = await readChanges(this.#db, consumer.position, BATCH);
          if (changes.length > 0) await consumer.apply(changes);
          if (changes.length < BATCH) break;
        }
        this.#late.delete(consumer.name);
      } catch (error) {
        this.#late.add(consumer.name);
        this.#log.error({ err: error, consumer: consumer.name }, "could not take in the newest changes");
      }
    }
  }
}
