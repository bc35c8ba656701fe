// The disk takes no more at some point of an install: the release before or the one after is there, whole.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthFile, berthIn } from "../berth.ts";

const { folder, ok } = berthIn("berth-full-");

/** Limits on the size of each file, in blocks of 512 bytes: from less than the database needs to more than enough. */
const LIMITS = [8, 64, 128, 256, 384, 512, 640, 768, 1_024, 2_048, 8_192];

function packRelease(version: string): string {
  const file = `acme.words-${version}.berth`;
  const manifest = join(folder, "words/manifest.json");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/"version": "[^"]*"/, `"version": "${version}"`));
  ok(["pack", "words"]);
  ok(["sign", file]);
  return file;
}

test("an install on a full disk is done or undone", { skip: process.platform === "win32" && "no ulimit" }, () => {
  ok(["create", "words", "--publisher", "acme"]);
  const { keyId } = ok(["keys", "create"]) as { keyId: string };
  ok(["install", packRelease("0.1.0"), "--yes", "--trust", keyId]);
  // The README goes into the package as it is: random, so that it does not shrink.
  writeFileSync(join(folder, "words/README.md"), randomBytes(300_000).toString("base64"));
  const next = packRelease("0.2.0");
  const outcomes = new Set<string>();
  for (const limit of LIMITS) {
    const state = join(folder, `state-${limit}`);
    cpSync(join(folder, "state"), state, { recursive: true });
    const command = [berthFile, "install", next, "--yes", "--json"];
    const { status, stdout, stderr } = spawnSync(
      "sh",
      ["-c", `ulimit -f ${limit}; exec "$@"`, "sh", ...command, "--data-dir", state],
      { cwd: folder, encoding: "utf8" },
    );
    const what = `under ${limit} blocks: ${stdout}${stderr}`;
    const { error } = JSON.parse(stdout) as { error?: { code: string } };
    outcomes.add(error?.code ?? "installed");
    assert.equal(status, error === undefined ? 0 : 6, what);
    const { plugins } = ok(["list", "--data-dir", state]) as { plugins: { version: string }[] };
    assert.deepEqual(
      plugins.map(({ version }) => version),
      [error === undefined ? "0.2.0" : "0.1.0"],
      what,
    );
    assert.equal(readdirSync(join(state, "packages")).length, 1, what);
    const args = ["run", "acme.words", "count-words", "--input", "-", "--data-dir", state];
    assert.deepEqual(ok(args, '{"text":"a b"}')["output"], { words: 2, uses: 1 }, what);
  }
  assert.ok(outcomes.has("installed") && outcomes.has("HOST_DATA_DIR_UNUSABLE"), [...outcomes].join(", "));
});
