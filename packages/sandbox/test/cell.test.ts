import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import type { CompartmentPlan } from "../src/compartment-plan.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { Cell } from "../src/node-cell.ts";
import type { Sandbox } from "../src/node-sandbox.ts";

const plan: CompartmentPlan = {
  plugin: "plugin",
  packKey: "cell",
  engine: { name: "fake" } as EngineDescriptor,
  level: "standard",
  code: new Uint8Array(),
  sourceName: "plugin.js",
  limits: { memoryMiB: 16, cpuMs: 1_000, wallMs: 1_000 },
  onRequest: () => Promise.resolve(null),
  onLog: () => undefined,
};

/** A process that ends before it is ready. */
const crashing = (): Sandbox =>
  ({
    attach: () => undefined,
    ready: Promise.reject(new Error("it ended")),
    end: () => undefined,
  }) as unknown as Sandbox;

test("a process that crashes again and again is started later and later, up to five seconds, for five minutes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let starts = 0;
  const start = async (): Promise<Sandbox> => {
    starts += 1;
    return crashing();
  };
  const cell = new Cell(start, () => undefined);
  /** How long the next start is waited for. */
  const waited = async (): Promise<number> => {
    const before = starts;
    const failed = assert.rejects(cell.load(plan), /it ended/);
    let ms = 0;
    for (await turn(); starts === before; await turn()) {
      t.mock.timers.tick(100);
      ms += 100;
      assert.ok(ms <= 60_000, "it is never started");
    }
    await failed;
    return ms;
  };
  const waits: number[] = [];
  for (let crash = 0; crash < 10; crash += 1) waits.push(await waited());
  assert.deepEqual(waits, [0, 0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  t.mock.timers.tick(300_000);
  assert.equal(await waited(), 0);
});
