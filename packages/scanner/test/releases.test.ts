import assert from "node:assert/strict";
import test from "node:test";

import { scanPackage } from "@berth/scanner";
import type { InputFile } from "@berth/scanner";

const release = (code: string, members: object = {}): InputFile[] => [
  {
    path: "manifest.json",
    bytes: new TextEncoder().encode(
      JSON.stringify({ id: "acme.tidy", version: "1.0.0", permissions: ["network_restricted"], ...members }),
    ),
  },
  { path: "plugin.js", bytes: new TextEncoder().encode(code) },
];

const CALM = 'export const load = () => fetch("https://api.example.com/rows");';

const changesOf = (now: InputFile[], before: InputFile[]) =>
  scanPackage("acme.tidy", now, { previous: before }).findings.filter(({ rule }) => rule === "differs-from-previous");

test("two releases that ask for and do the same differ in nothing", () => {
  assert.deepEqual(changesOf(release(`${CALM} export const two = 2;`), release(CALM)), []);
});

test("says what a release asks for, uses, contacts and depends on more than the one before", () => {
  const [finding] = changesOf(
    release(`${CALM} import { exec } from "node:child_process"; exec("ls"); fetch("https://other.example.org/x");`, {
      permissions: ["network_restricted", "system_exec"],
      dependencies: { "acme.base": "^1" },
    }),
    release(CALM),
  );
  assert.match(
    finding?.message ?? "",
    /uses "process"; asks for "system_exec"; contacts "other\.example\.org"; depends on "acme\.base"/u,
  );
});

test("another publisher is high whatever else changed", () => {
  const [finding] = changesOf(release(CALM, { id: "emca.tidy" }), release(CALM));
  assert.deepEqual([finding?.severity, finding?.confidence], ["high", "high"]);
});

test("code that became much denser is named", () => {
  const readable = Array.from({ length: 200 }, (_, index) => `export const value${index} = add(value, ${index});`).join(
    "\n",
  );
  const packed = `export const text = "${Array.from({ length: 4000 }, (_, index) => String.fromCharCode(0x4e00 + ((index * 7919) % 3000))).join("")}";`;
  const found = changesOf(release(packed), release(readable));
  assert.ok(found.some(({ file, message }) => file === "plugin.js" && message.includes("denser")));
});
