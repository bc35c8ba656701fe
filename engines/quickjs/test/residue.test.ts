import assert from "node:assert/strict";
import test from "node:test";

import { openStrict } from "./bench.ts";
import { searchResidue } from "./residue.ts";

test("leaves no copy of a secret anywhere in memory after 100,000 calls with one in each", async () => {
  const { calls, searches, ...found } = await searchResidue(100_000, 25);
  assert.deepEqual({ calls, searches }, { calls: 100_000, searches: 4_000 });
  assert.deepEqual(found, { residues: 0, differences: 0, stale: 0, interrupted: 2, reused: 0 });
});

test("finds residue when there is some: before the renewal the secret is there", () => {
  const bench = openStrict("var berthPlugin = { actions: { keep(value) { globalThis.kept = value; return 1; } } };");
  bench.call("keep", "a-secret-of-this-call");
  assert.ok(Buffer.from(bench.compartment.memory).includes("a-secret-of-this-call"));
  bench.rest();
  assert.ok(!Buffer.from(bench.compartment.memory).includes("a-secret-of-this-call"));
});

test("renews before a call that comes sooner than the idle moment", () => {
  const bench = openStrict(
    "var count = 0; var berthPlugin = { actions: { count: () => (count += 1), mark() { Object.prototype.mark = 1; return null; }, see: () => ({}).mark ?? null } };",
  );
  for (let index = 0; index < 5; index += 1)
    assert.deepEqual(bench.call("count"), [{ kind: "result", json: "1", bytes: [] }]);
  bench.call("mark");
  assert.deepEqual(bench.call("see"), [{ kind: "result", json: "null", bytes: [] }]);
});

test("replaces a machine that grew, and gives a little more room to a plugin that needs it", () => {
  const bench = openStrict(
    "var berthPlugin = { actions: { use(size) { const kept = []; for (let i = 0; i < size; i++) kept.push('x'.repeat(1000) + i); return kept.length; } } };",
    { memoryMiB: 32 },
  );
  const sizes = [200, 200, 200, 200, 200, 10_000, 200].map((count) => {
    bench.call("use", count);
    const during = bench.compartment.memory.length;
    bench.rest();
    return [during, bench.compartment.memory.length] as const;
  });
  const [first, , , , fifth, large, last] = sizes;
  assert.ok(first !== undefined && fifth !== undefined && large !== undefined && last !== undefined);
  assert.ok(first[0] > first[1], "the first call made the machine grow");
  assert.equal(fifth[0], fifth[1], "later ones found room");
  assert.ok(large[0] > 10_000_000 && large[1] === fifth[1], "a call of 10 MB left nothing of its size");
  assert.equal(last[0], last[1]);
});
