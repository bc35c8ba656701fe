import assert from "node:assert/strict";
import test from "node:test";

import { fixture, openWasm } from "./compartment.ts";

const KIT = fixture("extism-kit");

for (const isFresh of [false, true]) {
  const kind = isFresh ? "fresh" : "staying";
  test(`runs a plug-in of Extism's kit unchanged, in ${kind} instances`, () => {
    const { call } = openWasm(KIT, { isFresh });
    for (const value of [null, 1.5, "grüße 👋", [1, [2]], { a: { b: ["x".repeat(10_000)] } }])
      assert.deepEqual(call("echo", value), { value });
    assert.deepEqual(call("vowels", "Hello, world!"), { value: { vowels: 3 } });
  });
}

test("gives bytes back for bytes, and JSON for JSON", () => {
  const { call } = openWasm(KIT);
  const bytes = Uint8Array.from([0, 255, 128, 10, 13]);
  assert.deepEqual(call("echo", bytes), { bytes });
  assert.deepEqual(call("writesText", bytes), { bytes: Uint8Array.from(Buffer.from("not json")) });
  assert.match(JSON.stringify(call("writesText")), /not JSON/);
});

test("refuses bytes inside a value", () => {
  const outcome = openWasm(KIT).callEncoded("echo", '{"a":{"$bytes":0}}', [Uint8Array.of(1)]);
  assert.match(JSON.stringify(outcome), /bytes inside a value do not cross/);
});

test("keeps variables and globals while an instance stays, and none when every call is fresh", () => {
  const staying = openWasm(KIT);
  assert.deepEqual(
    [1, 2, 3].map(() => staying.call("count")),
    [1, 2, 3].map((n) => ({ value: [n, n] })),
  );
  const fresh = openWasm(KIT, { isFresh: true });
  assert.deepEqual(
    [1, 2, 3].map(() => fresh.call("count")),
    [1, 2, 3].map(() => ({ value: [1, 1] })),
  );
});

test("writes its log", () => {
  const { call, lines } = openWasm(KIT);
  assert.deepEqual(call("logs"), { value: null });
  assert.deepEqual(lines, ["debug: debug line", "info: info line", "warn: warn line", "error: error line"]);
});

const FAILURES = {
  fails: { name: "Error", message: "no rows in the input", code: "" },
  failsSilently: { name: "Error", message: "the action failsSilently answered with code 7", code: "" },
  aborts: { name: "BerthError", message: "gave up", code: "ABORTED" },
  readsConfig: { name: "BerthError", message: /config/, code: "DENIED" },
  asksHttp: { name: "BerthError", message: /http/, code: "DENIED" },
  fillsVars: { name: "BerthError", message: /1048576 bytes together/, code: "LIMIT" },
  fillsKernel: { name: "BerthError", message: /16777216 bytes with its host/, code: "LIMIT" },
  recurses: { name: "RangeError", message: /call stack/, code: "" },
  readsOutside: { name: "RuntimeError", message: /out of bounds/, code: "" },
  missing: { name: "BerthError", message: /exports no function "missing"/, code: "INVALID" },
} as const;

for (const [action, { name, message, code }] of Object.entries(FAILURES)) {
  test(`tells that ${action} failed, and why; the next call has a new instance`, () => {
    const { call } = openWasm(KIT);
    assert.deepEqual(call("count"), { value: [1, 1] });
    const outcome = call(action);
    assert.ok("failure" in outcome, JSON.stringify(outcome));
    assert.deepEqual([outcome.failure.name, outcome.failure.code], [name, code]);
    if (typeof message === "string") assert.equal(outcome.failure.message, message);
    else assert.match(outcome.failure.message, message);
    assert.deepEqual(call("count"), { value: [1, 1] });
  });
}

test("lets memory grow to the limit and no further", () => {
  // The fixture starts with one page and takes 16 at a time.
  assert.deepEqual(openWasm(KIT, { memoryMiB: 8 }).call("grows"), { value: 8 * 16 - 15 });
  assert.deepEqual(openWasm(KIT, { memoryMiB: 16 }).call("grows"), { value: 16 * 16 - 15 });
});

test("draws other random numbers in every instance", () => {
  const { call } = openWasm(KIT, { isFresh: true });
  assert.notDeepEqual(call("random"), call("random"));
});
