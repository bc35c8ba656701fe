// isolated-vm has no binary for every machine; npm's own setting makes this one look like such.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { berthFile, berthIn } from "./berth.ts";

const { folder, ok } = berthIn("berth missing-engine-");

function withoutBinary(args: readonly string[]): { readonly status: number | null; readonly json: unknown } {
  const env = { ...process.env, BERTH_DATA_DIR: join(folder, "state"), npm_config_arch: "mips" };
  const { status, stdout } = spawnSync(berthFile, [...args, "--json"], {
    cwd: folder,
    env,
    encoding: "utf8",
    input: "{}",
  });
  return { status, json: JSON.parse(stdout) };
}

test("without a binary for the platform other plugins run, and those that need it say why", () => {
  ok(["keys", "create"]);
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words"]);
  ok(["sign", "acme.words-0.1.0.berth"]);
  ok(["install", "acme.words-0.1.0.berth", "--yes", "--trust", String(ok(["keys", "show"])["keyId"])]);

  const listed = withoutBinary(["list"]);
  assert.equal(listed.status, 0);
  assert.match(JSON.stringify(listed.json), /"state":"failed".*isolated-vm for \w+-mips/);

  const refused = withoutBinary(["run", "acme.words", "count-words", "--input", "-"]);
  assert.match(JSON.stringify(refused.json), /HOST_PLUGIN_NOT_ENABLED.*isolated-vm for \w+-mips/);
  const strict = withoutBinary(["run", "acme.words", "count-words", "--level", "strict", "--input", "-"]);
  assert.equal(strict.status, 3, "its own schema refuses an empty input, so it was looked at");
  assert.match(JSON.stringify(strict.json), /HOST_INPUT_INVALID/);
});

test("doctor lists the engine that is missing, with the remedy, and checks the rest", () => {
  const { status, json } = withoutBinary(["doctor"]);
  assert.equal(status, 6);
  const { checks } = json as { checks: { name: string; ok: boolean; found: string; remedy?: string }[] };
  const [bad, ...others] = checks.filter(({ ok: isFine }) => !isFine);
  assert.deepEqual([bad?.name, others], ["engine isolate", []]);
  assert.match(bad?.found ?? "", /it lacks a binary of isolated-vm for \w+-mips: No native build was found/);
  assert.match(bad?.remedy ?? "", /prebuilt binaries/);
});
