// What is asked before anything is erased.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { command } from "../src/command/uninstall.ts";
import type { Terminal } from "../src/terminal.ts";
import { berthIn } from "./berth.ts";

const { folder, ok, refused } = berthIn("berth-uninstall-");

/** Runs the command as at a terminal where somebody answers. */
async function uninstallAt(
  answer: boolean,
  args: readonly string[],
  options: Readonly<Record<string, string | boolean>> = {},
): Promise<{ said: string[]; asked: string[]; error?: string }> {
  const said: string[] = [];
  const asked: string[] = [];
  const terminal: Terminal = {
    isInteractive: true,
    showsProgress: false,
    say: (line) => void said.push(line),
    print: () => Promise.resolve(),
    redraw: () => undefined,
    confirm(question) {
      asked.push(question);
      return Promise.resolve(answer);
    },
    askSecret: () => Promise.reject(new Error("nobody asked for a secret")),
  };
  const text = (name: string): string | undefined => {
    const value = options[name];
    return typeof value === "string" ? value : undefined;
  };
  try {
    await command.run({
      args,
      text,
      list: () => [],
      isSet: (name) => options[name] === true,
      dataDir: join(folder, "state"),
      terminal,
    });
    return { said, asked };
  } catch (error) {
    return { said, asked, error: (error as { code: string }).code };
  }
}

test("nothing is erased before somebody has seen what and said yes", async () => {
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words", "--out", "words.berth"]);
  const { keyId } = ok(["keys", "create", "--no-passphrase"]) as { keyId: string };
  ok(["sign", "words.berth"]);
  mkdirSync(join(folder, "state"), { recursive: true });
  ok(["install", "./words.berth", "--yes", "--trust", keyId]);
  writeFileSync(join(folder, "input.json"), '{"text":"one two"}');
  ok(["run", "acme.words", "count-words", "--input", "input.json"]);
  const installed = (): number => (ok(["list"])["plugins"] as unknown[]).length;

  refused(["uninstall", "acme.words"], "CLI_CONSENT_NEEDED", 4);
  refused(["uninstall", "acme.words", "--export", "early.jsonl"], "CLI_CONSENT_NEEDED", 4);
  assert.equal(existsSync(join(folder, "early.jsonl")), false);
  refused(["uninstall", "acme.nobody"], "HOST_PLUGIN_UNKNOWN", 3);

  const no = await uninstallAt(false, ["acme.words"]);
  assert.equal(no.error, "CLI_DECLINED");
  assert.match(no.said.join("\n"), /^uninstalling acme\.words would erase 1 stored values \(/);
  assert.match(no.said.join("\n"), /--export FILE/);
  assert.deepEqual(no.asked, ["Uninstall acme.words and erase that?"]);
  assert.equal(installed(), 1);

  const kept = join(folder, "kept.jsonl");
  const yes = await uninstallAt(true, ["acme.words"], { export: kept });
  assert.equal(yes.error, undefined);
  assert.doesNotMatch(yes.said.join("\n"), /--export/);
  assert.equal(existsSync(kept), true);
  assert.equal(installed(), 0);

  const nothing = await uninstallAt(false, [], { unneeded: true });
  assert.deepEqual([nothing.asked, nothing.error], [[], undefined]);
  ok(["install", "./words.berth", "--yes"]);
  const unasked = await uninstallAt(false, ["acme.words"], { yes: true });
  assert.deepEqual([unasked.asked, unasked.error], [[], undefined]);
  assert.equal(installed(), 0);
});
