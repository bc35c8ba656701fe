// What an operator of `berth host start` is told without asking.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

import { formatEventLine } from "../src/event-line.ts";
import { berthFile, berthIn } from "./berth.ts";

const children: ChildProcess[] = [];
const { folder, ok, run, refused } = berthIn("berth-alerts-");
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

const at = "2026-06-01T12:00:00.000Z";

async function startHost(...args: readonly string[]): Promise<{ child: ChildProcess; said: AsyncIterator<string> }> {
  const child = spawn(berthFile, ["host", "start", "--json", ...args], {
    cwd: folder,
    env: { ...process.env, BERTH_DATA_DIR: join(folder, "state") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const said = createInterface({ input: child.stderr as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line");
  return { child, said };
}

test("a running host tells alerts and troubles in lines of its own", async () => {
  ok(["create", "words", "--publisher", "acme", "--template", "javascript"]);
  const manifest = JSON.parse(readFileSync(join(folder, "words/manifest.json"), "utf8")) as {
    runtime: { entry: string };
  };
  const any = { input: true, output: true };
  writeFileSync(
    join(folder, "words/manifest.json"),
    JSON.stringify({ ...manifest, contributes: { actions: { fail: any } } }),
  );
  writeFileSync(
    join(folder, "words", manifest.runtime.entry),
    "export default { actions: { fail() { throw new Error('no'); } } };",
  );
  ok(["pack", "words", "--out", "words.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  ok(["sign", "words.berth"]);
  ok(["install", "./words.berth", "--yes", "--trust", keyId]);
  const rules = JSON.stringify([{ kind: "error-rate", above: 0.5, minCalls: 2, minutes: 5 }]);
  writeFileSync(join(folder, "rules.json"), rules);
  mkdirSync(join(folder, "state"), { recursive: true });
  writeFileSync(join(folder, "state/alerts.json"), "[{}]");
  refused(["host", "start"], "HOST_ALERTS_INVALID", 3);
  refused(["host", "start", "--alerts", "nowhere.json"], "CLI_FILE_UNREADABLE", 3);
  writeFileSync(join(folder, "state/alerts.json"), rules);
  for (const args of [["--alerts", "rules.json"], []]) {
    const { child, said } = await startHost(...args);
    for (let count = 0; count < 2; count += 1) assert.equal(run(["run", "acme.words", "fail"]).status, 3);
    const { value } = await said.next();
    assert.match(String(value), /^20\S+Z alert: acme\.words: error-rate above 0\.5 within 5 min: 1$/);
    child.kill("SIGTERM");
    await once(child, "exit");
  }
});

test("each trouble has its line, what is in order has none, and no plugin can make a line of its own", () => {
  const rule = { kind: "latency", aboveMs: 20, minCalls: 1, minutes: 5 } as const;
  const lines = (
    [
      { kind: "alert-over", at, pluginId: "a.b", rule },
      { kind: "state", at, pluginId: "a.b", version: "1.0.0", from: "enabled", to: "failed", reason: "bad\nalert: x" },
      { kind: "state", at, pluginId: "a.b", version: "1.0.0", from: "installed", to: "enabled" },
      { kind: "process-lost", at, reason: "crashed", pluginIds: ["a.b"], atWork: [], lastWords: "oh\u001b[2Jno" },
      { kind: "fault", at, what: "journal", error: { code: "STORE_DISK_FULL", message: "full" } },
      { kind: "config", at, pluginId: "a.b", changed: ["unit"] },
      { kind: "woken", at, pluginId: "a.b" },
    ] as const
  ).map((event) => formatEventLine(event)?.slice(at.length + 1));
  assert.deepEqual(
    [lines[0], lines[2], ...lines.slice(4)],
    [
      "alert over: a.b: latency above 20 ms within 5 min",
      undefined,
      "fault: journal: STORE_DISK_FULL: full",
      "config: a.b: unit changed",
      undefined,
    ],
  );
  assert.match(lines[1] ?? "", /^state: a\.b: enabled is now failed: bad/);
  assert.match(lines[3] ?? "", /^process lost \(crashed\): held a\.b, at work nobody, it said last: oh/);
  for (const line of lines) assert.doesNotMatch(line ?? "", /[\n\u001b]/);
});
