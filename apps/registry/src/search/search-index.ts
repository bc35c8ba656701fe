import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import type { Change } from "@berth/spec";

import { readCards } from "../catalogue/cards.ts";
import type { Database } from "../database/open-database.ts";
import { affectedPlugins } from "../feed/affected-plugins.ts";
import type { FeedConsumer } from "../feed/consumer.ts";
import type { SearchPosition, SearchResult } from "./run-search.ts";
import type { SearchMessage, SearchReply, SearchTask } from "./search-message.ts";
import type { SearchRequest } from "./search-request.ts";

interface Waiting {
  readonly resolve: (reply: SearchReply) => void;
  readonly reject: (error: Error) => void;
}

const PAGE = 1_000;

/** The search index of this node, in a thread of its own. Owned by the server; close it. */
export class SearchIndex implements FeedConsumer {
  readonly name = "search index";
  readonly #worker: Worker;
  readonly #db: Database;
  readonly #waiting = new Map<number, Waiting>();
  #position = -1;
  #nextNumber = 1;
  #failure: Error | undefined;

  private constructor(worker: Worker, db: Database) {
    this.#worker = worker;
    this.#db = db;
    worker.on("message", (reply: SearchReply) => this.#take(reply));
    worker.on("error", (error) => this.#failAll(error));
    worker.on("exit", () => this.#failAll(new Error("the search index is closed")));
  }

  /** Opens the index in a file, or makes an empty one. */
  static async open({ file, db }: { file: string; db: Database }): Promise<SearchIndex> {
    const worker = new Worker(new URL(programFile(import.meta.url, "search-thread")), { workerData: { file } });
    const index = new SearchIndex(worker, db);
    const { position = -1 } = await new Promise<SearchReply>((resolve, reject) => {
      index.#waiting.set(0, { resolve, reject });
    });
    index.#position = position;
    return index;
  }

  get position(): number {
    return this.#position;
  }

  async search(request: SearchRequest, from: SearchPosition): Promise<SearchResult> {
    const { result } = await this.#ask({ kind: "search", request, from });
    if (result === undefined) throw new Error("the search index gave no answer");
    return result;
  }

  /** Takes in the present state of these plugins, such as their numbers of downloads. */
  async update(plugins: readonly string[]): Promise<void> {
    for (let at = 0; at < plugins.length; at += PAGE)
      await this.#ask({ kind: "put", cards: await readCards(this.#db, plugins.slice(at, at + PAGE)) });
  }

  async apply(changes: readonly Change[]): Promise<void> {
    const cards = await readCards(this.#db, await affectedPlugins(this.#db, changes));
    const position = changes.at(-1)?.sequence ?? this.#position;
    await this.#ask({ kind: "put", cards, position });
    this.#position = position;
  }

  async rebuild(last: number): Promise<void> {
    await this.#ask({ kind: "clear" });
    let after = "";
    for (;;) {
      const rows = await this.#db
        .selectFrom("plugins")
        .select("id")
        .where("id", ">", after)
        .orderBy("id")
        .limit(PAGE)
        .execute();
      await this.update(rows.map(({ id }) => id));
      after = rows.at(-1)?.id ?? after;
      if (rows.length < PAGE) break;
    }
    await this.#ask({ kind: "optimize" });
    await this.#ask({ kind: "put", cards: [], position: last });
    this.#position = last;
  }

  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    const exited = new Promise((resolve) => this.#worker.once("exit", resolve));
    // No answer is waited for: the thread ends with it.
    this.#worker.postMessage({ number: this.#nextNumber, task: { kind: "close" } } satisfies SearchMessage);
    await exited;
  }

  #ask(task: SearchTask): Promise<SearchReply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const number = this.#nextNumber;
      this.#nextNumber += 1;
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, task } satisfies SearchMessage);
    });
  }

  #take(reply: SearchReply): void {
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if (reply.error === undefined) waiting?.resolve(reply);
    else waiting?.reject(new Error(`the search index failed: ${reply.error}`));
  }

  #failAll(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
