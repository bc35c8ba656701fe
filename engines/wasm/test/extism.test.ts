import assert from "node:assert/strict";
import test from "node:test";

import { fixture, openWasm } from "./compartment.ts";

const KIT = fixture("extism-kit");

for (const isFresh of [false, true]) {
  const kind = isFresh ? "fresh" : "staying";
  test(`runs a plug-in of Extism's kit unchanged, in ${kind} instances`, async () => {
    const { call } = openWasm(KIT, { isFresh });
    for (const value of [null, 1.5, "grüße 👋", [1, [2]], { a: { b: ["x".repeat(10_000)] } }])
      assert.deepEqual(await call("echo", value), { value });
    assert.deepEqual(await call("vowels", "Hello, world!"), { value: { vowels: 3 } });
  });
}

test("gives bytes back for bytes, and JSON for JSON", async () => {
  const { call } = openWasm(KIT);
  const bytes = Uint8Array.from([0, 255, 128, 10, 13]);
  assert.deepEqual(await call("echo", bytes), { bytes });
  assert.deepEqual(await call("writesText", bytes), { bytes: Uint8Array.from(Buffer.from("not json")) });
  assert.match(JSON.stringify(await call("writesText")), /not JSON/);
});

test("refuses bytes inside a value", async () => {
  const outcome = await openWasm(KIT).callEncoded("echo", '{"a":{"$bytes":0}}', [Uint8Array.of(1)]);
  assert.match(JSON.stringify(outcome), /bytes inside a value do not cross/);
});

test("keeps variables and globals while an instance stays, and none when every call is fresh", async () => {
  const staying = openWasm(KIT);
  assert.deepEqual(
    await Promise.all([1, 2, 3].map(() => staying.call("count"))),
    [1, 2, 3].map((n) => ({ value: [n, n] })),
  );
  const fresh = openWasm(KIT, { isFresh: true });
  assert.deepEqual(
    await Promise.all([1, 2, 3].map(() => fresh.call("count"))),
    [1, 2, 3].map(() => ({ value: [1, 1] })),
  );
});

test("writes its log", async () => {
  const { call, lines } = openWasm(KIT);
  assert.deepEqual(await call("logs"), { value: null });
  assert.deepEqual(lines, ["debug: debug line", "info: info line", "warn: warn line", "error: error line"]);
});

const FAILURES = {
  fails: { name: "Error", message: "no rows in the input", code: "" },
  failsSilently: { name: "Error", message: "the action failsSilently answered with code 7", code: "" },
  aborts: { name: "BerthError", message: "gave up", code: "ABORTED" },
  fillsVars: { name: "BerthError", message: /1048576 bytes together/, code: "LIMIT" },
  fillsKernel: { name: "BerthError", message: /16777216 bytes with its host/, code: "LIMIT" },
  recurses: { name: "RangeError", message: /call stack/, code: "" },
  readsOutside: { name: "RuntimeError", message: /out of bounds/, code: "" },
  missing: { name: "BerthError", message: /exports no function "missing"/, code: "INVALID" },
} as const;

for (const [action, { name, message, code }] of Object.entries(FAILURES)) {
  test(`tells that ${action} failed, and why; the next call has a new instance`, async () => {
    const { call } = openWasm(KIT);
    assert.deepEqual(await call("count"), { value: [1, 1] });
    const outcome = await call(action);
    assert.ok("failure" in outcome, JSON.stringify(outcome));
    assert.deepEqual([outcome.failure.name, outcome.failure.code], [name, code]);
    if (typeof message === "string") assert.equal(outcome.failure.message, message);
    else assert.match(outcome.failure.message, message);
    assert.deepEqual(await call("count"), { value: [1, 1] });
  });
}

test("lets memory grow to the limit and no further", async () => {
  // The fixture starts with one page and takes 16 at a time.
  assert.deepEqual(await openWasm(KIT, { memoryMiB: 8 }).call("grows"), { value: 8 * 16 - 15 });
  assert.deepEqual(await openWasm(KIT, { memoryMiB: 16 }).call("grows"), { value: 16 * 16 - 15 });
});

test("draws other random numbers in every instance", async () => {
  const { call } = openWasm(KIT, { isFresh: true });
  assert.notDeepEqual(await call("random"), await call("random"));
});
