import assert from "node:assert/strict";

import { HOSTILE_LIMITS, PATIENT, attack } from "./attack.ts";
import type { Attack } from "./attack.ts";

/** What a neighbour holds and nobody else may find. */
const SECRET = "the neighbour's own secret";

const KEEPS_A_SECRET = `
globalThis.secret = ${JSON.stringify(SECRET)};
var kept = Array.from({ length: 200 }, (_, i) => new Uint8Array(4096).fill(171));
Object.prototype.secret = secret;
more.secret = () => secret;
`;

/** Attacks on other plugins. The suite itself calls neighbours before, during and after every attack. */
const ATTACKS: readonly Attack[] = [
  attack(
    "reading the globals and prototypes of a neighbour in the same process",
    "() => [typeof secret, String(globalThis.secret), String(({}).secret), String([].secret), typeof kept]",
    ["answers"],
    {
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate({ top: KEEPS_A_SECRET });
        assert.equal(await neighbour.call("secret"), SECRET);
        assert.deepEqual(await attacker.call("attack"), [
          "undefined",
          "undefined",
          "undefined",
          "undefined",
          "undefined",
        ]);
      },
    },
  ),
  attack(
    "looking for a neighbour's bytes in fresh memory",
    "() => { let found = 0; for (let i = 0; i < 2000; i++) for (const byte of new Uint8Array(2048)) if (byte !== 0) found += 1; return found; }",
    ["answers"],
    {
      limits: PATIENT,
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate({ top: KEEPS_A_SECRET });
        assert.equal(await neighbour.call("secret"), SECRET);
        neighbour.compartment[Symbol.dispose]();
        assert.equal(await attacker.call("attack"), 0);
      },
    },
  ),
  attack(
    "breaking what a neighbour computes with",
    "() => { Array.prototype.map = () => 'forged'; Math.max = () => -1; JSON.stringify = () => 'forged'; globalThis.Promise = undefined; return 1; }",
    ["answers"],
    {
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate({
          top: "more.sum = async () => { await null; return JSON.stringify([1, 2].map((n) => Math.max(n, 0))); };",
          limits: { ...HOSTILE_LIMITS, cpuMs: 5_000 },
        });
        assert.equal(await neighbour.call("sum"), "[1,2]");
        assert.equal(await attacker.call("attack"), 1);
        assert.equal(await neighbour.call("sum"), "[1,2]");
      },
    },
  ),
  attack(
    "an answer is not lost to the neighbour who is entered next and never returns",
    "() => { for (;;); }",
    ["SANDBOX_CPU"],
    {
      elsewhere: { quickjs: { skip: "a process holds one plugin" } },
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate();
        await Promise.all([attacker.call("echo"), neighbour.call("echo")]);
        // One: neighbours may enter in turns, and then a second one would come after the loop.
        const answer = neighbour.call("echo", 1);
        const loop = attacker.call("attack");
        loop.catch(() => undefined);
        assert.equal(await answer, 1);
        await assert.rejects(loop, { code: "SANDBOX_CPU" });
      },
    },
  ),
  attack(
    "a clock that is finer than a millisecond",
    "() => { const steps = []; for (const now of [() => Date.now(), () => performance.now()]) for (let i = 0, last = now(); i < 2e4; i++) { const at = now(); if (at !== last && at - last < 0.999) steps.push(at - last); last = at; } return steps; }",
    ["answers"],
    {
      limits: PATIENT,
      answer: [],
    },
  ),
  attack("twenty calls at a time that all loop", "() => { for (;;); }", ["SANDBOX_CPU"], {
    play: async ({ attacker }) => {
      const endings = await Promise.allSettled(Array.from({ length: 20 }, () => attacker.call("attack")));
      for (const { status } of endings) assert.equal(status, "rejected");
    },
  }),
  attack("a hundred calls at a time with large answers", "() => 'x'.repeat(1e6)", ["answers"], {
    limits: { memoryMiB: 128, cpuMs: 10_000 },
    play: async ({ attacker }) => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => attacker.call("attack")));
      for (const answer of answers) assert.equal((answer as string).length, 1e6);
    },
  }),
  attack(
    "a flood of lines to drown those of others",
    "() => { for (let i = 0; i < 1e5; i++) console.log('line', i); return 1; }",
    ["answers"],
    {
      limits: { cpuMs: 10_000 },
      play: async ({ attacker }) => {
        await attacker.call("attack");
        assert.ok(attacker.lines.length <= 20_000, `${attacker.lines.length} lines passed`);
      },
    },
  ),
];

export const NEIGHBOUR_ATTACKS: readonly Attack[] = ATTACKS.map((each) => ({ ...each, isForEveryLevel: true }));
