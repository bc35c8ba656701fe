import assert from "node:assert/strict";
import test from "node:test";

import { MachineStock } from "../src/machine-stock.ts";
import { openStrict, theBase } from "./bench.ts";

const CODE = `const kept = []; var berthPlugin = { actions: {
  hold: (text) => { kept.push(text); return kept.length; },
  grow: () => { const all = []; for (;;) all.push(new Uint8Array(1024 * 1024)); },
} };`;

const makeStock = (): MachineStock => new MachineStock(theBase(), () => undefined);

test("a machine that stood ready holds after loading what a new one holds, byte for byte", () => {
  const stock = makeStock();
  stock.prepare();
  assert.equal(stock.readyCount, 2);
  const prepared = openStrict(CODE, { stock });
  assert.equal(stock.readyCount, 0);
  const made = openStrict(CODE);
  assert.ok(Buffer.from(prepared.compartment.memory).equals(Buffer.from(made.compartment.memory)));
});

test("machines that stand ready for another limit are not used", () => {
  const stock = makeStock();
  stock.prepare(); // For the default, 64 MiB.
  const bench = openStrict(CODE, { stock, memoryMiB: 8 });
  assert.equal(stock.readyCount, 0);
  assert.deepEqual(bench.call("grow"), [{ kind: "lost", reason: "memory" }]);
  assert.ok(bench.compartment.memory.length <= 10 * 1_048_576);
});

test("a machine that stood ready has the limit that was asked for last", () => {
  const stock = makeStock();
  for (let load = 0; load < 2; load += 1) openStrict(CODE, { stock, memoryMiB: 8 });
  stock.prepare();
  assert.equal(stock.readyCount, 2);
  const bench = openStrict(CODE, { stock, memoryMiB: 8 });
  assert.equal(stock.readyCount, 0);
  assert.deepEqual(bench.call("grow"), [{ kind: "lost", reason: "memory" }]);
  assert.ok(bench.compartment.memory.length <= 10 * 1_048_576);
});

test("makes nothing ready after a first load, because most processes only ever have one", () => {
  const stock = makeStock();
  stock.prepare();
  openStrict(CODE, { stock });
  stock.prepare();
  assert.equal(stock.readyCount, 0);
  openStrict(CODE, { stock });
  stock.prepare();
  assert.equal(stock.readyCount, 2);
});

test("a compartment of machines made ready beside another finds nothing of it", () => {
  const stock = makeStock();
  const secret = "6f1d5bb2-secret-of-the-first";
  const first = openStrict(CODE, { stock });
  openStrict(CODE, { stock });
  assert.deepEqual(first.call("hold", secret), [{ kind: "result", json: "1", bytes: [] }]);
  stock.prepare();
  const second = openStrict(CODE, { stock });
  assert.ok(Buffer.from(first.compartment.memory).includes(secret));
  assert.ok(!Buffer.from(second.compartment.memory).includes(secret));
  assert.deepEqual(second.call("hold", "mine"), [{ kind: "result", json: "1", bytes: [] }]);
});
