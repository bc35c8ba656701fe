import assert from "node:assert/strict";
import test from "node:test";

import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";
import { encodeValue } from "@berth/wire";

import { openStrict } from "../bench.ts";

const result = (json: string): unknown => ({ kind: "result", json, bytes: [] });

test("keeps its ways in and out when a plugin replaces every built-in on them", () => {
  const bench = openStrict(`var berthPlugin = { actions: {
    ruin() {
      Array.prototype[Symbol.iterator] = function* () {};
      Array.prototype.push = () => { throw new Error("push"); };
      JSON.parse = JSON.stringify = () => { throw new Error("JSON"); };
      Promise.prototype.then = () => { throw new Error("then"); };
      Map.prototype.get = Map.prototype.delete = () => undefined;
      String.prototype.includes = String.prototype.slice = () => { throw new Error("text"); };
      Object.prototype.name = Object.prototype.message = "everywhere";
      return 1;
    },
    echo: (value) => value,
  } };`);
  for (let index = 0; index < 3; index += 1) {
    // What a plugin breaks it breaks for its own call: the answer is one of ours or none, and nothing escapes.
    const said = bench.call("ruin");
    assert.ok(said.length <= 1 && said.every(({ kind }) => kind === "result" || kind === "failure"));
    if (said.length === 0) break;
    bench.rest();
    assert.deepEqual(bench.call("echo", { a: 1 }), [result('{"a":1}')]);
    bench.rest();
  }
});

test("does not let a plugin answer for a call that is not its own", () => {
  const bench = openStrict(
    "var berthPlugin = { actions: { later: () => new Promise((done) => setTimeout(() => done(1), 1)), echo: (value) => value } };",
    { powers: { setTimer: () => () => undefined } },
  );
  assert.deepEqual(bench.call("later"), []);
  // Nothing but the call under way can end, and nobody waits for a second one.
  const said: unknown[] = bench.call("echo", 2);
  assert.match(JSON.stringify(said), /one call at a time/);
  bench.compartment.settle(99, true, "null", []);
  assert.equal(bench.said.length, 1);
});

test("enters the guest from within the guest only in order", () => {
  // The broker answers while the request is still being made: the engine must not be entered twice.
  const bench = openStrict(
    "var berthPlugin = { actions: { async ask(value, ctx) { const [a, b] = await Promise.all([ctx.storage.get('a'), ctx.storage.get('b')]); return [a, b]; } } };",
  );
  const said = bench.call("ask");
  const ids = said.flatMap((each) => (each.kind === "request" ? [each.id] : []));
  assert.equal(ids.length, 2);
  for (const id of ids.toReversed()) bench.compartment.settle(id, true, JSON.stringify({ value: id }), []);
  assert.deepEqual(bench.said.at(-1), result(JSON.stringify(ids)));
  // An answer that comes twice, or late, is nobody's.
  for (const id of ids) bench.compartment.settle(id, true, JSON.stringify({ value: "again" }), []);
  assert.equal(bench.said.length, 3);
});

test("never runs a machine again that was interrupted", () => {
  const bench = openStrict("var berthPlugin = { actions: { loop() { for (;;); }, echo: (value) => value } };", {
    cpuMs: 20,
  });
  assert.deepEqual(bench.call("loop"), [{ kind: "lost", reason: "cpu" }]);
  bench.rest();
  assert.deepEqual(bench.call("echo", 1), []);
  bench.compartment.cancel(1);
  bench.compartment.settle(1, true, "null", []);
  assert.equal(bench.said.length, 1);
});

test("refuses code that fails while it is loaded, in the plugin's own words", () => {
  const words = (code: string): string => {
    try {
      openStrict(code, { cpuMs: 50 });
    } catch (error) {
      return (error as { failure: string }).failure;
    }
    return "loaded";
  };
  assert.match(words("throw new RangeError('at load')"), /"RangeError","message":"at load"/);
  assert.match(words("not javascript("), /"SyntaxError"/);
  assert.match(words("for (;;);"), /more CPU time/);
  assert.match(words("const kept = []; for (;;) kept.push(new Uint8Array(1e6));"), /out of memory/);
  assert.match(words("throw { get message() { for (;;); } }"), /more CPU time/);
  assert.match(words("import('x')") + words("export default 1"), /SyntaxError/);
  assert.match(words("var berthPlugin = null"), /loaded/);
});

test("ends native work that nothing interrupts with its process, and goes on", async () => {
  const supervisor = new Supervisor({ leases: 1 });
  const compartment = supervisor.open({
    plugin: "plugin",
    packKey: "native",
    engine: quickjs(),
    level: "strict",
    code: new TextEncoder().encode(
      "var berthPlugin = { actions: { native: () => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1), echo: (value) => value } };",
    ),
    sourceName: "plugin.js",
    limits: { memoryMiB: 32, cpuMs: 200, wallMs: 4_000 },
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
  const call = (action: string): Promise<unknown> =>
    compartment.call({ action, input: encodeValue(1), caller: undefined, about: "{}" });
  try {
    await assert.rejects(call("native"), ({ code }: { code: string }) =>
      ["SANDBOX_CPU", "SANDBOX_DEADLINE"].includes(code),
    );
    await call("echo");
  } finally {
    supervisor.close();
  }
});
