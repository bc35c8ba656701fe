import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

const dataDir = mkdtempSync(join(tmpdir(), "berth-embed-fastify-"));
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

const post = (url: string, form: Record<string, string>, reader: string): Promise<Response> =>
  fetch(url, { method: "POST", body: new URLSearchParams(form), headers: { "x-reader": reader }, redirect: "manual" });
const page = async (url: string, reader: string): Promise<string> =>
  (await fetch(url, { headers: { "x-reader": reader } })).text();

test("does not start its plugins without a yes, and asks once", async () => {
  await assert.rejects(start(), /ended with 1/);
  const first = await start("--yes");
  assert.equal(await first.stop(), 0);
  const second = await start();
  assert.match(await page(second.url, "ann"), /Nothing to read yet/);
  assert.equal(await second.stop(), 0);
});

test("shows what two plugins make of a reader's notes, and nobody else's articles", async () => {
  const { url, stop } = await start("--yes");
  const notes = "# On sandboxes\n\nA *sandbox* holds. <script>alert(1)</script>";
  assert.equal((await post(`${url}/articles`, { title: "Walls & doors", notes }, "ann")).status, 303);
  assert.equal((await post(`${url}/articles`, { title: "Same", notes }, "bob")).status, 303);
  assert.equal((await post(`${url}/terms`, { source: "sandbox", target: "box of sand" }, "ann")).status, 303);
  const html = await page(url, "ann");
  assert.match(html, /<h2>Walls &amp; doors<\/h2><small>\d+ min<\/small>/);
  assert.match(html, /<em>sandbox<\/em>/);
  assert.match(html, /sandbox = box of sand/);
  assert.equal(html.includes("<script"), false);
  const other = await page(url, "bob");
  assert.deepEqual([other.includes("Same"), other.includes("Walls")], [true, false]);
  const answer = await fetch(url);
  assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  // What a plugin's schema refuses is the caller's mistake, and the app lives on.
  assert.equal((await post(`${url}/terms`, { source: "x".repeat(300), target: "y" }, "ann")).status, 422);
  assert.equal((await post(`${url}/articles`, { title: "No notes" }, "ann")).status, 400);
  assert.equal(await stop(), 0);
  const again = await start();
  assert.match(await page(again.url, "ann"), /sandbox = box of sand/);
  assert.equal(await again.stop(), 0);
});
