// The thread that owns the search index, so that a costly query delays other queries and nothing else.
import { parentPort, workerData } from "node:worker_threads";

import { runSearch } from "./run-search.ts";
import { SearchDatabase } from "./search-database.ts";
import type { SearchMessage, SearchReply, SearchTask } from "./search-message.ts";
import type { SearchResult } from "./run-search.ts";

const { file } = workerData as { file: string };
const db = SearchDatabase.open(file);
const reply = (message: SearchReply): void => parentPort?.postMessage(message);

function perform(task: SearchTask): SearchResult | undefined {
  switch (task.kind) {
    case "search":
      return runSearch(db, task.request, task.from);
    case "put":
      db.put(task.cards, task.position);
      return undefined;
    case "clear":
      db.clear();
      return undefined;
    case "optimize":
      db.optimize();
      return undefined;
    case "close":
      db.close();
      parentPort?.close();
      return undefined;
  }
}

parentPort?.on("message", ({ number, task }: SearchMessage) => {
  try {
    const result = perform(task);
    if (task.kind === "close") return;
    reply({ number, ...(result !== undefined && { result }) });
  } catch (error) {
    reply({ number, error: error instanceof Error ? error.message : "unknown error" });
  }
});
reply({ number: 0, position: db.position });
