import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";

import { berthFile, berthIn } from "./berth.ts";

const { folder, run, ok, refused } = berthIn("berth dev-");
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

const INPUT = '{"text":"one two three"}';

/** Changes the source of a made plugin. */
function edit(name: string, from: string, to: string): void {
  const file = join(folder, name, "src/plugin.ts");
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(from), text);
  writeFileSync(file, text.replace(from, to));
}

/** Lines that a command that goes on says, waited for by what they hold. */
class Said {
  readonly #lines: string[] = [];
  readonly #child: ChildProcess;
  #wake: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    children.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.#lines.push(line);
        this.#wake();
      });
    }
  }

  /** Forgets everything up to the line that matches, and answers with it. */
  async until(pattern: RegExp): Promise<string> {
    for (const end = Date.now() + 60_000; Date.now() < end;) {
      const at = this.#lines.findIndex((line) => pattern.test(line));
      if (at >= 0) return this.#lines.splice(0, at + 1).at(-1) ?? "";
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(() => resolve(), 1_000);
      await promise;
      clearTimeout(timer);
    }
    throw new Error(
      `${String(pattern)} was not said (${this.#child.exitCode}); last: ${this.#lines.slice(-5).join(" | ")}`,
    );
  }
}

test("once: builds, loads and calls, and says what is wrong with its place", () => {
  ok(["create", "hello", "--publisher", "you"]);
  const { id, output } = ok(["dev", "hello", "--once", "--call", "count-words", "--input", "-"], INPUT);
  assert.deepEqual([id, output], ["you.hello", { words: 3, uses: 1 }]);
  // What it stored is there the next time, and nowhere among the plugins that are installed for real.
  const again = ok(["dev", "hello", "--once", "--call", "count-words", "--input", "-"], INPUT);
  assert.deepEqual(again["output"], { words: 3, uses: 2 });
  assert.deepEqual(ok(["list"])["plugins"], []);

  edit("hello", "const words =", "const words = =");
  const broken = run(["dev", "hello", "--once"]);
  assert.equal(broken.status, 3);
  assert.match(broken.stderr, /src\/plugin\.ts:7:21: Unexpected token/);
  refused(["dev", "hello", "--once"], "CLI_BUNDLE_FAILED", 3);
  edit("hello", "const words = =", "const words =");

  edit("hello", "export default", "(null as never as { x(): void }).x();\nexport default");
  const unloadable = run(["dev", "hello", "--once"]);
  assert.equal(unloadable.status, 3);
  assert.match(unloadable.stderr, /src\/plugin\.ts:4:\d+/);
  edit("hello", "(null as never as { x(): void }).x();\n", "");
  refused(["dev", "nothing", "--once"], "CLI_FILE_UNREADABLE", 3);
  // An unset variable of a script does not mean the folder that the script stands in.
  for (const command of ["create", "dev", "lint", "pack", "types"]) refused([command, ""], "CLI_USAGE", 2);
  if (process.platform !== "win32") {
    mkdirSync(join(folder, "piped"));
    assert.equal(spawnSync("mkfifo", [join(folder, "piped/manifest.json")]).status, 0);
    refused(["lint", "piped"], "CLI_FILE_UNREADABLE", 3);
  }
  refused(["dev", "hello", "--once", "--call", "count-words"], "HOST_INPUT_INVALID", 3);

  const file = join(folder, "hello/manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as object;
  const permissions = [{ name: "secrets_access", names: ["key"], reveal: true, reason: "to see" }];
  writeFileSync(file, JSON.stringify({ ...manifest, permissions, secrets: ["key"] }));
  refused(["dev", "hello", "--once"], "CLI_CONSENT_NEEDED", 4);
  ok(["dev", "hello", "--once", "--grant", "secrets_access"]);
  // What was agreed to is not asked for again.
  ok(["dev", "hello", "--once"]);
});

test("watches: what is saved runs, what is broken is told and runs on, and other commands can call it", async () => {
  ok(["create", "watched", "--publisher", "you"]);
  writeFileSync(join(folder, "input.json"), INPUT);
  const env = { ...process.env, BERTH_DATA_DIR: join(folder, "watching") };
  const args = ["dev", "watched", "--call", "count-words", "--input", "input.json"];
  const child = spawn(berthFile, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const said = new Said(child);
  await said.until(/"words": 3/);
  await said.until(/from another terminal: berth run you\.watched ACTION/);

  edit("watched", "return { words, uses }", "return { words: words * 10, uses }");
  await said.until(/"words": 30/);
  await said.until(/reloaded you\.watched/);
  edit("watched", "return { words: words * 10", "return { words: words *");
  await said.until(/src\/plugin\.ts:\d+:\d+/);
  const dataDir = join(folder, "watching/development");
  const called = run(["run", "you.watched", "count-words", "--input", "-", "--data-dir", dataDir, "--json"], INPUT);
  assert.equal((JSON.parse(called.stdout) as { output: { words: number } }).output.words, 30);
  edit("watched", "return { words: words *", "return { words: words * 100");
  await said.until(/"words": 300/);

  child.kill("SIGINT");
  const [status] = (await once(child, "exit")) as [number | null];
  assert.equal(status, 0);
});
