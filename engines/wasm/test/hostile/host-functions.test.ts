import assert from "node:assert/strict";
import test from "node:test";

import { fixture, openWasm, refusalOf } from "../compartment.ts";
import type { Outcome } from "../compartment.ts";
import { buildModule } from "../module-builder.ts";

// Functions that modules below import, in this order, and how they are called.
const KERNEL = "extism:host/env";
const imports = [
  { module: KERNEL, name: "config_get", descriptor: [0x00, 1] },
  { module: KERNEL, name: "log_info", descriptor: [0x00, 2] },
  { module: KERNEL, name: "alloc", descriptor: [0x00, 1] },
  { module: KERNEL, name: "store_u8", descriptor: [0x00, 3] },
  { module: KERNEL, name: "http_request", descriptor: [0x00, 4] },
  { module: "env", name: "seed", descriptor: [0x00, 5] },
];
const types = [
  [0x60, 1, 0x7e, 1, 0x7e],
  [0x60, 1, 0x7e, 0],
  [0x60, 2, 0x7e, 0x7f, 0],
  [0x60, 2, 0x7e, 0x7e, 1, 0x7e],
  [0x60, 0, 1, 0x7c],
];
const DROP = 0x1a;
/** An i64 below 64. */
const i64 = (value: number): number[] => [0x42, value];
const readSetting = [...i64(0), 0x10, 0, DROP];
const log = [...i64(0), 0x10, 1];
const allocate = (size: readonly number[]): number[] => [0x42, ...size, 0x10, 2, DROP];
const store = (at: number, character: number): number[] => [...i64(at), 0x41, 0x80 | (character & 0x7f), 0x00, 0x10, 3];
const ask = [...i64(16), ...i64(0), 0x10, 4, DROP];
/** A block with "{}" at offset 16, where the first block lies. */
const WRITE_REQUEST = [...allocate([2]), ...store(16, 0x7b), ...store(17, 0x7d)];
const forever = (code: readonly number[]): number[] => [0x03, 0x40, ...code, 0x0c, 0x00, 0x0b];
const BEYOND_EVERY_MEMORY = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];

/** `catch_all` as it was first shipped, and as it is standardised; what was caught is answered by a line of the log. */
const CATCHING = {
  "an old": (code: readonly number[], then = log) => [0x06, 0x40, ...code, 0x19, ...then, 0x0b],
  "a new": (code: readonly number[], then = log) =>
    [[0x02, 0x40, 0x02, 0x40, 0x1f, 0x40, 1, 0x02, 0], code, [0x0b, 0x0c, 1, 0x0b], then, [0x0b]].flat(),
} as const;

const build = (code: readonly number[], start?: readonly number[]): Uint8Array =>
  buildModule({ types, imports, code, ...(start === undefined ? {} : { start }) });
const codeOf = (outcome: Outcome): string =>
  "failure" in outcome ? outcome.failure.code || outcome.failure.name : JSON.stringify(outcome);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

for (const [kind, caught] of Object.entries(CATCHING)) {
  test(`${kind} catch_all catches no cancellation: the call has ended`, async () => {
    const { call, compartment, lines } = openWasm(build(caught(readSetting)));
    const outcome = call("run");
    compartment.cancel(1);
    assert.equal(codeOf(await outcome), "ABORTED");
    assert.deepEqual(lines, []);
  });

  test(`${kind} catch_all catches no end of its compartment`, async () => {
    const { call, compartment, lines } = openWasm(build(caught(readSetting)));
    void call("run");
    compartment[Symbol.dispose]();
    for (let count = 0; count < 5; count += 1) await turn();
    assert.deepEqual(lines, []);
  });

  test(`${kind} catch_all catches no refusal, of the broker or of the host`, async () => {
    const broker = (): never => {
      throw { code: "BROKER_DENIED", message: "not granted" } as unknown as Error;
    };
    assert.equal(codeOf(await openWasm(build(caught(readSetting)), { broker }).call("run")), "BROKER_DENIED");
    const outcome = await openWasm(build(caught(allocate(BEYOND_EVERY_MEMORY)))).call("run");
    assert.equal(codeOf(outcome), "LIMIT");
  });

  test(`${kind} catch_all in a start function does not hide that the host was asked too early`, async () => {
    assert.match(refusalOf(build([], caught(readSetting, []))), /while it is being initialised/);
    // A promise that nobody waits for would end the process about now.
    await turn();
  });
}

test("asks nobody for an instance that is only being made, and leaves no promise behind", async () => {
  // Its start function asks only when it draws 1: not while it is loaded, but within its first calls.
  const drawn = [0, 1, 1];
  const asksSometimes = [0x10, 5, 0xaa, 0x04, 0x40, ...CATCHING["an old"](readSetting), 0x0b];
  const asked: string[] = [];
  const { call } = openWasm(build([0x00], asksSometimes), {
    powers: { random: () => drawn.shift() ?? 0 },
    broker: (method) => asked.push(method),
  });
  // The first instance traps, so the next calls make theirs.
  assert.equal(codeOf(await call("run")), "RuntimeError");
  assert.equal(codeOf(await call("run")), "INVALID");
  assert.equal(codeOf(await call("run")), "INVALID");
  assert.equal(codeOf(await call("run")), "RuntimeError");
  await turn();
  assert.deepEqual(asked, []);
});

test("ends a call that uses its CPU time in many turns", async () => {
  let clock = 0;
  let asked = 0;
  const { call } = openWasm(build([...WRITE_REQUEST, ...forever(ask)]), {
    powers: { cpuMs: () => (clock += 4_000) },
    broker: () => ((asked += 1), { status: 200, headers: {}, body: new Uint8Array(0) }),
  });
  assert.deepEqual(await call("run"), { lost: "cpu" });
  assert.equal(asked, 2);
});

test("charges no call for what another compartment computes", async () => {
  const computed = (): number => 20_000 * busy.lines.length;
  const busy = openWasm(build([...readSetting, ...log]), { powers: { cpuMs: () => computed() } });
  const idle = openWasm(build(readSetting), { powers: { cpuMs: () => computed() } });
  const outcomes = Promise.all([busy.call("run"), idle.call("run")]);
  // Both answers come at once.
  for (const { compartment } of [busy, idle]) compartment.settle(1, true, '{"value":{}}', []);
  assert.deepEqual(await outcomes, [{ lost: "cpu" }, { value: null }]);
});

test("bounds the blocks that a call holds", async () => {
  const outcome = await openWasm(build(forever(allocate([0])))).call("run");
  assert.match(JSON.stringify(outcome), /65536 blocks/);
});

test("an answer that cannot be read ends the call and not the process", async () => {
  const { call, compartment } = openWasm(build(readSetting));
  const outcome = call("run");
  compartment.settle(1, true, '{"$bytes":3}', []);
  assert.equal(codeOf(await outcome), "INVALID");
});

for (const [what, kind] of [
  ["function", 0x00],
  ["number", 0x03],
] as const) {
  test(`a ${what} that bears the name memory is none`, async () => {
    const { call } = openWasm(
      buildModule({
        globals: [1, 0x7f, 0x00, 0x41, 0x00, 0x0b],
        exports: [{ name: "memory", kind, index: 0 }],
        code: [0],
      }),
    );
    for (let count = 0; count < 3; count += 1) assert.equal(codeOf(await call("run")), "RuntimeError");
  });
}

test("hears that a call was cancelled between the end of the call before it and its own beginning", async () => {
  const { call, compartment } = openWasm(fixture("extism-kit"), { broker: () => ({ value: {} }) });
  const first = call("readsConfig").then(() => compartment.cancel(2));
  const second = call("count");
  await first;
  assert.equal(codeOf(await second), "ABORTED");
  assert.deepEqual(await call("count"), { value: [1, 1] });
});

test("functions of the host that a module exports as its own do nothing that they did not before", async () => {
  const { call } = openWasm(
    buildModule({
      imports: ["config_get", "http_request", "input_length", "free"].map((name) => ({
        module: KERNEL,
        name,
        descriptor: [0x00, 0],
      })),
      exports: ["asks", "fetches", "measures", "frees"].map((name, index) => ({ name, kind: 0, index })),
      code: [],
    }),
  );
  for (const action of ["asks", "fetches", "measures", "frees", "run"])
    assert.match(codeOf(await call(action)), /^(TypeError|SyntaxError|INVALID|\{"value":null\})$/, action);
});

test("modules that import functions of the host with other types end their calls, not the process", async () => {
  for (const parameters of [[], [0x7f], [0x7c], [0x6f], [0x70], [0x7e, 0x6f]])
    for (const result of [0x7f, 0x7c, 0x6f, 0x7e])
      for (const name of ["config_get", "alloc", "store_u8", "log_info", "http_headers"]) {
        const given = parameters.flatMap((type) => {
          if (type === 0x6f || type === 0x70) return [0xd0, type];
          return type === 0x7c ? [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f] : [type === 0x7f ? 0x41 : 0x42, 0x05];
        });
        const module = buildModule({
          types: [[0x60, parameters.length, ...parameters, 1, result]],
          imports: [{ module: KERNEL, name, descriptor: [0x00, 1] }],
          code: [...given, 0x10, 0, DROP],
        });
        const { call } = openWasm(module, { broker: () => ({ value: { "": "x" } }) });
        const outcome = await call("run");
        assert.match(codeOf(outcome), /^(TypeError|SyntaxError|INVALID|\{"value":null\})$/, `${name} ${result}`);
      }
});
