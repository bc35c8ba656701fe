// `berth run` for actions that stream or tell how far they have come, and `berth stats`; with and without a host that runs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";

import { berthFile, berthIn } from "./berth.ts";

const any = { input: true, output: true };
const streaming = { ...any, streams: true };
const SOURCE = `import { definePlugin } from "@berth/sdk";
import type { Plugin } from "./berth.gen.js";

export default definePlugin<Plugin>({ actions: {
  tells(_, ctx) { for (let done = 1; done <= 3; done++) ctx.progress({ done, total: 3, message: "on the way" }); return 3; },
  async *numbers(count) { for (let n = 0; n < Number(count); n++) yield n; },
  async *texts() { yield "two\\nlines"; yield { deep: [String.fromCharCode(0x202e)] }; },
  async *breaks() { yield 1; throw new RangeError("of the plugin's own"); },
} });
`;

const berth = berthIn("berth-streams-");

function makePlugin(): void {
  const folder = join(berth.folder, "words");
  mkdirSync(join(folder, "src"), { recursive: true });
  const manifest = {
    id: "acme.words",
    version: "1.0.0",
    displayName: "Words",
    description: "A plugin of the tests.",
    license: "MIT",
    categories: ["utilities"],
    api: "^1.1",
    runtime: { kind: "javascript", entry: "src/plugin.ts" },
    capabilities: ["data_processing"],
    contributes: {
      actions: {
        tells: any,
        numbers: { input: { type: "integer" }, output: { type: "integer" }, streams: true },
        texts: streaming,
        breaks: streaming,
      },
    },
  };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "src/plugin.ts"), SOURCE);
}

const run = (action: string, input = "null"): ReturnType<typeof berth.run> =>
  berth.run(["run", "acme.words", action, "--input", "-"], input);

/** The same, whoever runs the plugin. */
function verifyRuns(): void {
  const lines = run("numbers", "3");
  assert.deepEqual([lines.status, lines.stdout], [0, "0\n1\n2\n"]);
  assert.equal(run("texts").stdout, '"two\\nlines"\n{"deep":["\\u202e"]}\n');
  const { items } = berth.ok(["run", "acme.words", "numbers", "--input", "-"], "3");
  assert.deepEqual(items, [0, 1, 2]);
  const broken = run("breaks");
  assert.deepEqual([broken.status, broken.stdout], [3, "1\n"]);
  assert.match(broken.stderr, /SANDBOX_PLUGIN_THREW/);
  berth.refused(["run", "acme.words", "breaks", "--input", "-"], "SANDBOX_PLUGIN_THREW", 3, "null");
  berth.refused(["run", "acme.words", "numbers", "--input", "-"], "CLI_STREAM_TOO_LONG", 5, "1000000");
  // Progress is for terminals.
  const told = run("tells");
  assert.deepEqual([told.stdout, told.stderr], ["3\n", ""]);
  assert.equal(berth.ok(["run", "acme.words", "tells", "--input", "-"], "null")["output"], 3);
}

test("prints items line by line, one document with --json, and what calls cost", async () => {
  makePlugin();
  berth.ok(["pack", "words"]);
  const { keyId } = berth.ok(["keys", "create"]) as { keyId: string };
  berth.ok(["sign", "acme.words-1.0.0.berth"]);
  berth.ok(["install", "acme.words-1.0.0.berth", "--yes", "--trust", keyId]);
  verifyRuns();
  const { actions } = berth.ok(["stats", "acme.words"]) as { actions: { action: string; outcomes: object }[] };
  const before = actions.find(({ action }) => action === "breaks");
  assert.deepEqual(before?.outcomes, { SANDBOX_PLUGIN_THREW: 2 });

  const env = { ...process.env, BERTH_DATA_DIR: join(berth.folder, "state") };
  const child = spawn(berthFile, ["host", "start", "--json"], {
    cwd: berth.folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(createInterface({ input: child.stdout }), "line");
    verifyRuns();
    const shown = berth.run(["stats", "acme.words", "--from", "2020-01-01"]);
    assert.match(shown.stdout, /^acme\.words {2}\d+ calls, /);
    assert.match(shown.stdout, /\n {2}breaks +4 calls, .*failed: 4 SANDBOX_PLUGIN_THREW/);
    berth.refused(["stats", "--from", "yesterday"], "CLI_USAGE", 2);
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
});
