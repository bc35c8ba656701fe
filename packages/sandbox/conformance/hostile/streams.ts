import assert from "node:assert/strict";

import type { SandboxErrorCode } from "../../src/errors.ts";
import { PATIENT, attack } from "./attack.ts";
import type { Attack, Scene } from "./attack.ts";

/** Ends with an error before, or with, the first item. */
const fails =
  (code: SandboxErrorCode) =>
  async ({ attacker }: Scene): Promise<void> => {
    const { take, whole } = attacker.stream("attack");
    await assert.rejects(whole, { code });
    assert.equal(await take(), undefined);
  };

/** Takes some items, leaves, and sees that the plugin can be called again. */
const isLeft =
  (count: number) =>
  async ({ attacker }: Scene): Promise<void> => {
    const controller = new AbortController();
    const { take, whole } = attacker.stream("attack", null, controller.signal);
    for (let taken = 0; taken < count; taken += 1) assert.notEqual(await take(), undefined);
    controller.abort();
    await assert.rejects(whole, { code: "SANDBOX_CANCELLED" });
    assert.equal(await attacker.call("echo", "after"), "after");
  };

/** Attacks by actions that stream. */
export const STREAM_ATTACKS: readonly Attack[] = [
  attack("a stream without end", "function* () { for (;;) yield 'x'.repeat(1000); }", ["answers"], {
    limits: PATIENT,
    isForEveryLevel: true,
    play: isLeft(50),
  }),
  attack(
    "a stream that does not end when it is left",
    "async function* () { try { for (;;) yield 1; } finally { await new Promise(() => {}); } }",
    ["answers"],
    { limits: PATIENT, isForEveryLevel: true, play: isLeft(1) },
  ),
  attack(
    "an iterator without return, whose items come when nobody asked",
    "() => { let n = 0; const next = () => Promise.resolve({ done: false, value: (n += 1) }); return { [Symbol.asyncIterator]() { for (let i = 0; i < 1000; i++) next(); return { next }; } }; }",
    ["answers"],
    { limits: PATIENT, play: isLeft(20) },
  ),
  attack(
    "an iterator that computes for ever",
    "() => ({ [Symbol.asyncIterator]: () => ({ next() { for (;;); } }) })",
    ["SANDBOX_CPU"],
    { isForEveryLevel: true, play: fails("SANDBOX_CPU") },
  ),
  attack(
    "an iterator that is a trap",
    "() => new Proxy({}, { get() { throw 1; }, has() { throw 1; }, getPrototypeOf() { throw 1; } })",
    ["SANDBOX_PLUGIN_THREW"],
    { play: fails("SANDBOX_PLUGIN_THREW") },
  ),
  attack(
    "an item that is a trap",
    "() => ({ [Symbol.asyncIterator]: () => ({ next: () => ({ done: false, get value() { throw new RangeError('trap'); } }) }) })",
    ["SANDBOX_PLUGIN_THREW"],
    { play: fails("SANDBOX_PLUGIN_THREW") },
  ),
  attack(
    "an item of many megabytes",
    "function* () { yield Array.from({ length: 100 }, () => new Uint8Array(1e5)); }",
    ["SANDBOX_PLUGIN_THREW"],
    { limits: { ...PATIENT, memoryMiB: 64 }, play: fails("SANDBOX_PLUGIN_THREW") },
  ),
];
