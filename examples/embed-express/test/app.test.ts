import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

const dataDir = mkdtempSync(join(tmpdir(), "berth-embed-express-"));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(dataDir, { recursive: true });
});

async function start(...more: readonly string[]): Promise<{ url: string; stop: () => Promise<number | null> }> {
  const args = [join(import.meta.dirname, "../src/app.ts"), "--port", "0", "--data-dir", dataDir, ...more];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  const line = once(lines, "line").then(([first]) => String(first));
  const ended = once(child, "exit").then(([code]) => `ended with ${String(code)}`);
  const said = await Promise.race([line, ended]);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
  assert.ok(url !== undefined, said);
  return {
    url,
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      return ((await exit) as [number | null])[0];
    },
  };
}

async function ask(
  url: string,
  reader: string,
  body?: object,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const headers = { "content-type": "application/json", "x-reader": reader };
  const answer = await fetch(url, {
    headers,
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

test("answers with what two plugins make of a reader's notes, and nobody else's articles", async () => {
  await assert.rejects(start(), /ended with 1/);
  const { url, stop } = await start("--yes");
  const notes = "# On sandboxes\n\nA sandbox holds. [x](#nowhere)";
  const { status, json } = await ask(`${url}/articles`, "ann", { title: "Walls", notes });
  const [problem] = json["problems"] as { rule: string }[];
  assert.deepEqual([status, json["id"], problem?.rule], [201, 1, "broken-anchor"]);
  assert.equal((await ask(`${url}/terms`, "ann", { source: "sandbox", target: "box of sand" })).status, 201);
  await ask(`${url}/articles`, "bob", { title: "Walls", notes });
  const articlesOf = async (reader: string): Promise<{ headings: { text: string }[]; terms: { target: string }[] }[]> =>
    (await ask(`${url}/articles`, reader)).json["articles"] as never;
  const [ann] = await articlesOf("ann");
  assert.deepEqual([ann?.headings[0]?.text, ann?.terms.at(-1)?.target], ["On sandboxes", "box of sand"]);
  const [bob, ...more] = await articlesOf("bob");
  assert.deepEqual([bob?.headings[0]?.text, more], ["On sandboxes", []]);
  // What a plugin's schema refuses is the caller's mistake, and the app lives on.
  assert.equal((await ask(`${url}/terms`, "ann", { source: "", target: "y" })).status, 422);
  assert.equal(await stop(), 0);
  const again = await start();
  assert.equal((await ask(`${again.url}/articles`, "ann")).status, 200);
  assert.equal(await again.stop(), 0);
});
