// A reading list's JSON API. Two plugins do the work on the texts: one reads Markdown, one keeps the words of the house.
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { isCodedError } from "@berth/host";
import express from "express";
import type { ErrorRequestHandler, Request } from "express";

import { readOptions } from "./options.ts";
import { openPlugins } from "./plugins.ts";
import { ReadingList } from "./reading-list.ts";

const GLOSSARY = { from: "en", to: "en-house" };

const { port, dataDir, agree } = readOptions(process.argv.slice(2));
mkdirSync(dataDir, { recursive: true });
const list = new ReadingList(join(dataDir, "reading-list.sqlite"));
const host = await openPlugins(join(dataDir, "plugins"), agree);
const app = express();
app.use(express.json({ limit: 65_536 }));

/** Who reads. A real app takes this from its session. */
const readerOf = (request: Request): string => (request.get("x-reader") ?? "you").slice(0, 100);

const call = async <Answer>(plugin: string, action: string, input: unknown, caller: string): Promise<Answer> =>
  (await host.call(`berth.${plugin}`, action, input, { caller, signal: AbortSignal.timeout(10_000) })) as Answer;

/** Members of a body that must be texts; a wrong one is the plugin's schema to refuse. */
const textsOf = (request: Request, ...names: readonly string[]): string[] =>
  names.map((name) => String((request.body as Record<string, unknown> | undefined)?.[name] ?? ""));

app.get("/articles", async (request, response) => {
  const reader = readerOf(request);
  const articles = list.of(reader).map(async ({ notes, ...article }) => {
    const [{ headings }, { hits }] = await Promise.all([
      call<{ headings: unknown[] }>("markdown-document", "outline", { markdown: notes }, reader),
      call<{ hits: unknown[] }>("glossary-translator", "find_terms", { ...GLOSSARY, text: notes }, reader),
    ]);
    return { ...article, headings, terms: hits };
  });
  response.json({ articles: await Promise.all(articles) });
});

app.post("/articles", async (request, response) => {
  const reader = readerOf(request);
  const [title = "", notes = ""] = textsOf(request, "title", "notes");
  const found = await call<{ readingMinutes: number; problems: unknown[] }>(
    "markdown-document",
    "inspect",
    { markdown: notes },
    reader,
  );
  const { id, minutes } = list.add(reader, { title, notes, minutes: found.readingMinutes });
  response.status(201).json({ id, minutes, problems: found.problems });
});

app.post("/terms", async (request, response) => {
  const [source, target] = textsOf(request, "source", "target");
  response
    .status(201)
    .json(
      await call("glossary-translator", "put_terms", { ...GLOSSARY, terms: [{ source, target }] }, readerOf(request)),
    );
});

// A caller who is denied, or a plugin that is over its limits or broken, costs this request, and nobody anything else.
app.use(((error, _request, response, _next) => {
  const status = isCodedError(error) ? { input: 422, denied: 403, limit: 503 }[error.kind as string] : undefined;
  response
    .status(status ?? 500)
    .json(status === undefined ? { error: "something went wrong" } : { error: String(error) });
}) satisfies ErrorRequestHandler);

const server = app.listen(port, "127.0.0.1");
await once(server, "listening");
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    server.close(() => void host.close().then(() => list[Symbol.dispose]()));
    server.closeIdleConnections();
  });
}
console.log(`the reading list is at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
