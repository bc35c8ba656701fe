import assert from "node:assert/strict";
import test from "node:test";

import { capModule } from "../src/cap-module.ts";
import { fixture, openWasm, refusalOf } from "./compartment.ts";
import { FUNCTION, buildModule, section } from "./module-builder.ts";

const WASI = { module: "wasi_snapshot_preview1", name: "fd_write", descriptor: FUNCTION };

test("leaves a module that asks for little as it was, but for its ceilings", () => {
  const before = fixture("extism-kit");
  const after = capModule(before, 16);
  assert.ok(WebAssembly.Module.exports(new WebAssembly.Module(after)).length > 10);
  assert.deepEqual(capModule(after, 16), after);
});

test("refuses modules by what they import, and names it", () => {
  assert.match(
    refusalOf(buildModule({ imports: [WASI] })),
    /function wasi_snapshot_preview1\.fd_write; WASI is not granted/,
  );
  const other = { module: "env", name: "exec", descriptor: FUNCTION };
  assert.match(refusalOf(buildModule({ imports: [other] })), /function env\.exec$/);
  const memory = { module: "env", name: "memory", descriptor: [0x02, 0x00, 0x01] };
  assert.match(refusalOf(buildModule({ imports: [memory] })), /memory env\.memory/);
  const proto = { module: "env", name: "toString", descriptor: FUNCTION };
  assert.match(refusalOf(buildModule({ imports: [proto] })), /function env\.toString/);
  const inherited = { module: "constructor", name: "name", descriptor: FUNCTION };
  assert.match(refusalOf(buildModule({ imports: [inherited] })), /constructor\.name/);
});

for (const [what, parts, words] of [
  ["more memory than it may have", { memories: [1, 0x00, 0x81, 0x02] }, /starts with 16\.0625 MiB of memory/],
  ["shared memory", { memories: [1, 0x03, 0x01, 0x02] }, /shared or 64-bit memory/],
  ["memory of 64 bits", { memories: [1, 0x04, 0x01] }, /shared or 64-bit memory/],
  ["two memories", { memories: [2, 0x00, 0x01, 0x00, 0x01] }, /more than one memory/],
  ["something after its memory", { memories: [1, 0x00, 0x01, 0x00] }, /more than a memory/],
  ["a huge table", { tables: [1, 0x70, 0x00, 0x80, 0x80, 0x80, 0x05] }, /a table of 10485760 entries/],
  ["many tables", { tables: [17, ...Array.from({ length: 17 }, () => [0x70, 0x00, 0x00]).flat()] }, /17 tables/],
  ["a struct", { types: [[0x5f, 0x01, 0x7e, 0x00]] }, /a type that is not served/],
  ["an array", { types: [[0x5e, 0x78, 0x01]] }, /a type that is not served/],
  ["a group of types", { types: [[0x4e, 0x01, 0x60, 0x00, 0x00]] }, /a type that is not served/],
  ["a parameter that is an exception", { types: [[0x60, 0x01, 0x69, 0x00]] }, /a type that is not served/],
  ["a result of a type of its own", { types: [[0x60, 0x00, 0x01, 0x63, 0x00]] }, /a type that is not served/],
  ["types that do not end", { types: [[0x60, 0x05]] }, /a number in the module does not end/],
  ["something after its types", { types: [[0x60, 0x00, 0x00, 0x60, 0x00, 0x00]] }, /more than types/],
  ["exceptions of its own", { rest: section(13, [1, 0x00, 0x00]) }, /exceptions of its own/],
  [
    "many globals",
    { globals: [0x91, 0x4e, ...Array.from({ length: 10_001 }, () => [0x69, 0x01, 0xd0, 0x69, 0x0b]).flat()] },
    /10001 globals/,
  ],
  ["a table of another kind", { tables: [1, 0x6e, 0x00, 0x01] }, /kind that is not served/],
] as const) {
  test(`refuses a module with ${what}`, () => assert.match(refusalOf(buildModule(parts)), words));
}

test("refuses what is no module at all", () => {
  for (const bytes of [
    new Uint8Array(0),
    Buffer.from("\0asm"),
    Buffer.from("var berthPlugin = {}"),
    Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 0x80),
  ])
    assert.notEqual(refusalOf(bytes), "loaded");
});

test("bounds tables that grow", async () => {
  // table.grow of 2,000,000 entries, which answers -1; then unreachable unless it did.
  const grow = [0xd0, 0x70, 0x41, 0x80, 0x89, 0xfa, 0x00, 0xfc, 0x0f, 0x00, 0x41, 0x7f, 0x47, 0x04, 0x40, 0x00, 0x0b];
  const { call } = openWasm(buildModule({ tables: [1, 0x70, 0x00, 0x01], code: grow }));
  assert.deepEqual(await call("run"), { value: null });
});
