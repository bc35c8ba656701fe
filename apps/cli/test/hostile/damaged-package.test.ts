// What `berth verify` says of every way to change one bit of a signed package, or to cut it short.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

import { packPackage, readPackage, replaceEnvelopes } from "@berth/archive";
import { isCodedError } from "@berth/base";
import { RELEASE_ENVELOPE } from "@berth/host";
import { formatPublicKey, generatePublisherKey, signRelease } from "@berth/trust";

import type { Invocation } from "../../src/command.ts";
import { command } from "../../src/command/verify.ts";
import { openTerminal } from "../../src/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-damaged-"));
after(() => rmSync(folder, { recursive: true }));

const manifest = {
  id: "acme.small",
  version: "1.0.0",
  displayName: "Small",
  description: "As little as there can be.",
  license: "MIT",
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: "plugin.js" },
  capabilities: ["data_processing"],
  contributes: { actions: {} },
};
const key = generatePublisherKey();
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

function makeSignedPackage(): Uint8Array {
  const files = [
    { path: "manifest.json", bytes: text(JSON.stringify(manifest)) },
    { path: "plugin.js", bytes: text("var berthPlugin = { actions: {} };"), mode: 0o755 as const },
  ];
  const { bytes, contentDigest } = packPackage({ files });
  const { id: plugin, version } = manifest;
  const time = "2026-01-01T00:00:00.000Z";
  const envelope = signRelease({ plugin, version, contentDigest, time }, key);
  return replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, envelope]]));
}

/** Whether the command accepts the bytes; anything but a coded refusal fails the test. */
async function isVerified(bytes: Uint8Array): Promise<boolean> {
  const file = join(folder, "package.berth");
  writeFileSync(file, bytes);
  const options: Readonly<Record<string, string>> = { key: formatPublicKey(key) };
  const invocation: Invocation = {
    args: [file],
    text: (option) => options[option],
    list: () => [],
    isSet: () => false,
    dataDir: folder,
    terminal: openTerminal(),
  };
  try {
    await command.run(invocation);
    return true;
  } catch (error) {
    assert.ok(isCodedError(error) && ["input", "denied"].includes(error.kind), String(error));
    return false;
  }
}

test("every flipped bit and every cut of a signed package is refused, or leaves entries, modes, META and digest", async () => {
  const good = makeSignedPackage();
  const essence = (bytes: Uint8Array): unknown => {
    const { files, envelopes, contentDigest } = readPackage(bytes);
    return { files: [...files], envelopes: [...envelopes], contentDigest };
  };
  const expected = essence(good);
  assert.ok(await isVerified(good), "the undamaged package is accepted");
  for (let at = 0; at < good.length; at += 1) {
    assert.ok(!(await isVerified(good.subarray(0, at))), `cut at ${at}`);
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = Uint8Array.from(good);
      damaged[at] = (damaged[at] as number) ^ (1 << bit);
      if (await isVerified(damaged)) assert.deepEqual(essence(damaged), expected, `bit ${bit} of byte ${at}`);
    }
  }
});
