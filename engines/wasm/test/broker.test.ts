import assert from "node:assert/strict";
import test from "node:test";

import { fixture, openWasm } from "./compartment.ts";
import type { TestBroker } from "./compartment.ts";

const KIT = fixture("extism-kit");
const REQUEST = { url: "https://example.com/", method: "POST", headers: { accept: "text/plain" } };
const body = (text: string): Uint8Array => new TextEncoder().encode(text);

const settings =
  (value: unknown): TestBroker =>
  (method) => {
    assert.equal(method, "config.get");
    return { value };
  };

for (const isFresh of [false, true]) {
  const kind = isFresh ? "fresh" : "staying";
  test(`reads settings in ${kind} instances: texts as they are, the rest as JSON, and none that is inherited`, async () => {
    const open = (value: unknown) => openWasm(KIT, { isFresh, broker: settings(value) }).call("readsConfig");
    assert.deepEqual(await open({ key: "plain" }), { value: "plain" });
    assert.deepEqual(await open({ key: [1, true] }), { value: "[1,true]" });
    assert.deepEqual(await open({ other: "x" }), { value: null });
    assert.deepEqual(await open(JSON.parse('{"__proto__":{"key":"x"}}')), { value: null });
  });

  test(`sends a request in ${kind} instances, and gives status, headers and body`, async () => {
    const seen: unknown[] = [];
    const broker: TestBroker = (method, request) => {
      seen.push([method, request]);
      return { url: REQUEST.url, status: 201, headers: { etag: "e1" }, body: body("made") };
    };
    const { call } = openWasm(KIT, { isFresh, broker });
    const answer = { value: { status: 201, headers: { etag: "e1" }, body: "made" } };
    assert.deepEqual(await call("asksHttp", REQUEST), answer);
    assert.deepEqual(await call("asksHttp", { url: REQUEST.url, header: { accept: "a/b" } }), answer);
    assert.deepEqual(seen, [
      ["network.fetch", { ...REQUEST, body: body("posted") }],
      ["network.fetch", { url: REQUEST.url, method: "GET", headers: { accept: "a/b" }, body: body("posted") }],
    ]);
  });

  test(`a refusal of the broker fails the call of ${kind} instances with its code, and the next goes on`, async () => {
    let isRefused = true;
    const broker: TestBroker = (method) => {
      // A report, as it crosses the pipe.
      if (isRefused) throw { code: "BROKER_DENIED", message: `${method}: not granted` } as unknown as Error;
      return { value: {} };
    };
    const { call } = openWasm(KIT, { isFresh, broker });
    const refused = { name: "BerthError", stack: "", code: "BROKER_DENIED" };
    assert.deepEqual(await call("asksHttp", REQUEST), {
      failure: { ...refused, message: "network.fetch: not granted" },
    });
    assert.deepEqual(await call("readsConfig"), { failure: { ...refused, message: "config.get: not granted" } });
    isRefused = false;
    assert.deepEqual(await call("readsConfig"), { value: null });
  });
}

test("calls that come while one waits for the broker follow in their order, and none enters the module between", async () => {
  const order: string[] = [];
  const { call } = openWasm(KIT, { broker: settings({ key: "v" }) });
  await Promise.all(
    ["readsConfig", "count", "readsConfig", "count"].map(async (action, index) => {
      const outcome = await call(action);
      order.push(`${index} ${JSON.stringify(outcome)}`);
    }),
  );
  assert.deepEqual(order, ['0 {"value":"v"}', '1 {"value":[1,1]}', '2 {"value":"v"}', '3 {"value":[2,2]}']);
});

test("at most 1,024 calls wait for one that waits", async () => {
  const { call } = openWasm(KIT, { broker: settings({ key: "v" }) });
  const outcomes = await Promise.all(Array.from({ length: 1_026 }, () => call("readsConfig")));
  const refused = outcomes.filter((outcome) => "failure" in outcome && outcome.failure.code === "LIMIT");
  assert.equal(refused.length, 1);
  assert.ok(outcomes.every((outcome) => refused.includes(outcome) || ("value" in outcome && outcome.value === "v")));
});

test("a cancelled call ends at once while it waits, and one in the queue without being begun", async () => {
  const { call, compartment } = openWasm(KIT);
  const first = call("readsConfig");
  const second = call("count");
  compartment.cancel(2);
  compartment.cancel(1);
  for (const outcome of [await first, await second]) {
    assert.ok("failure" in outcome);
    assert.deepEqual([outcome.failure.code, outcome.failure.message], ["ABORTED", "the call was cancelled"]);
  }
  assert.deepEqual(await call("count"), { value: [1, 1] });
});

test("answers that nobody waits for any more change nothing", async () => {
  const { call, compartment } = openWasm(KIT);
  const first = call("readsConfig");
  compartment.cancel(1);
  await first;
  compartment.settle(1, true, '{"value":{"key":"late"}}', []);
  compartment.settle(99, false, '{"code":"X","message":"never asked"}', []);
  assert.deepEqual(await call("count"), { value: [1, 1] });
});

test("a request that is no JSON object is refused before it is sent", async () => {
  const { call } = openWasm(KIT);
  for (const input of [null, 7, "text", [REQUEST]]) {
    const outcome = await call("asksHttp", input);
    assert.ok("failure" in outcome, JSON.stringify(outcome));
    assert.equal(outcome.failure.code, "INVALID");
  }
});

test("an answer larger than what a call may exchange fails the call, not the process", async () => {
  const broker: TestBroker = () => ({ status: 200, headers: {}, body: new Uint8Array(20 * 1_048_576) });
  const { call } = openWasm(KIT, { broker });
  const outcome = await call("asksHttp", REQUEST);
  assert.ok("failure" in outcome, "refused");
  assert.equal(outcome.failure.code, "LIMIT");
  assert.deepEqual(await call("count"), { value: [1, 1] });
});

test("a compartment that is disposed while a call waits answers nothing more", async () => {
  const { call, compartment } = openWasm(KIT);
  let isAnswered = false;
  void call("readsConfig").then(() => (isAnswered = true));
  compartment[Symbol.dispose]();
  await new Promise((resolve) => void setTimeout(resolve, 50));
  assert.equal(isAnswered, false);
});
