// A reading list. Two plugins do the work on the texts: one turns notes into HTML, one keeps the words of the house.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { isCodedError } from "@berth/host";
import fastify from "fastify";
import type { FastifyRequest } from "fastify";

import { readOptions } from "./options.ts";
import { CONTENT_SECURITY_POLICY, formatPage } from "./page.ts";
import type { ShownArticle } from "./page.ts";
import { openPlugins } from "./plugins.ts";
import { ReadingList } from "./reading-list.ts";
import type { Article } from "./reading-list.ts";

const GLOSSARY = { from: "en", to: "en-house" };

const { port, dataDir, agree } = readOptions(process.argv.slice(2));
mkdirSync(dataDir, { recursive: true });
const list = new ReadingList(join(dataDir, "reading-list.sqlite"));
const host = await openPlugins(join(dataDir, "plugins"), agree);
const app = fastify({ bodyLimit: 65_536 });

app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => {
  done(null, Object.fromEntries(new URLSearchParams(String(body))));
});
app.setErrorHandler((error, _request, reply) => {
  // A caller who is denied, or a plugin that is over its limits or broken, costs this request, and nobody anything else.
  const status = isCodedError(error)
    ? { input: 422, denied: 403, limit: 503 }[error.kind as string]
    : (error as { statusCode?: number }).statusCode;
  return reply
    .code(status ?? 500)
    .type("text/plain")
    .send(status === undefined ? "something went wrong" : String(error));
});
app.addHook("onClose", async () => {
  await host.close();
  list[Symbol.dispose]();
});

/** Who reads. A real app takes this from its session. */
const readerOf = ({ headers }: FastifyRequest): string => String(headers["x-reader"] ?? "you").slice(0, 100);

const call = async <Answer>(plugin: string, action: string, input: unknown, caller: string): Promise<Answer> =>
  (await host.call(`berth.${plugin}`, action, input, { caller, signal: AbortSignal.timeout(10_000) })) as Answer;

async function show(reader: string, { title, notes, minutes }: Article): Promise<ShownArticle> {
  const [{ html }, { hits }] = await Promise.all([
    call<{ html: string }>("markdown-document", "render", { markdown: notes }, reader),
    call<{ hits: ShownArticle["terms"] }>("glossary-translator", "find_terms", { ...GLOSSARY, text: notes }, reader),
  ]);
  return { title, minutes, html, terms: hits };
}

app.get("/", async (request, reply) => {
  const reader = readerOf(request);
  const articles = await Promise.all(list.of(reader).map((article) => show(reader, article)));
  return reply
    .type("text/html")
    .header("content-security-policy", CONTENT_SECURITY_POLICY)
    .send(formatPage(reader, articles));
});

const text = { type: "string", maxLength: 20_000 } as const;
const bodyOf = (...names: readonly string[]): object => ({
  body: { type: "object", required: names, properties: Object.fromEntries(names.map((name) => [name, text])) },
});

app.post<{ Body: { title: string; notes: string } }>(
  "/articles",
  { schema: bodyOf("title", "notes") },
  async (request, reply) => {
    const reader = readerOf(request);
    const { title, notes } = request.body;
    const { readingMinutes } = await call<{ readingMinutes: number }>(
      "markdown-document",
      "inspect",
      { markdown: notes },
      reader,
    );
    list.add(reader, { title, notes, minutes: readingMinutes });
    return reply.redirect("/", 303);
  },
);

app.post<{ Body: { source: string; target: string } }>(
  "/terms",
  { schema: bodyOf("source", "target") },
  async (request, reply) => {
    const { source, target } = request.body;
    await call("glossary-translator", "put_terms", { ...GLOSSARY, terms: [{ source, target }] }, readerOf(request));
    return reply.redirect("/", 303);
  },
);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void app.close());
console.log(`the reading list is at ${await app.listen({ port, host: "127.0.0.1" })}`);
