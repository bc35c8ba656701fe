import assert from "node:assert/strict";
import test from "node:test";

import { formatBaseFile, tryParseBaseFile } from "../src/base-file.ts";
import { makeBaseMachine } from "../src/base-machine.ts";
import { builtFiles } from "./bench.ts";

const { wasm, guestScript, baseFile } = builtFiles();

test("set-up writes the base that a sandbox host would make, byte for byte", () => {
  assert.ok(baseFile !== undefined);
  assert.deepEqual(formatBaseFile(makeBaseMachine(wasm, guestScript), wasm, guestScript), baseFile);
  const parsed = tryParseBaseFile(baseFile, wasm, guestScript);
  assert.ok(parsed !== undefined);
  assert.deepEqual(formatBaseFile(parsed, wasm, guestScript), baseFile);
});

test("believes no image with a byte changed, missing or added, nor one of another build", () => {
  assert.ok(baseFile !== undefined);
  const refuses = (file: Uint8Array): void => assert.equal(tryParseBaseFile(file, wasm, guestScript), undefined);
  const step = Math.floor(baseFile.length / 97);
  for (let at = 0; at < baseFile.length; at += at < 300 ? 1 : step) {
    const changed = Uint8Array.from(baseFile);
    changed[at] = (changed[at] ?? 0) ^ 1;
    refuses(changed);
  }
  for (const length of [0, 1, 15, 80, 84, 200, baseFile.length - 1]) refuses(baseFile.slice(0, length));
  refuses(Buffer.concat([baseFile, Buffer.of(0)]));
  assert.equal(tryParseBaseFile(baseFile, wasm, `${guestScript} `), undefined);
  assert.equal(tryParseBaseFile(baseFile, wasm.slice(0, -1), guestScript), undefined);
});
