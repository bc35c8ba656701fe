import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { SandboxError } from "../../src/errors.ts";
import { SHORT, attack } from "./attack.ts";
import type { Attack } from "./attack.ts";

const codeOf = (error: unknown): string => (error instanceof SandboxError ? error.code : String(error));

/** A plugin that ticks where it should not, and burns time after its answer is already on its way. */
const TOP = `
let ticks = 0;
more.ticks = () => ticks;
more.waits = (ms) => new Promise((wake) => setTimeout(() => wake("woken"), ms));
const burn = (rounds) => { for (let i = 0; i < rounds; i++); };
const afterAnswer = (work) => { let later = Promise.resolve(); for (let i = 0; i < 50; i++) later = later.then(() => {}); later.then(work); };`;

/** What a cancelled call may end as: its answer may have been faster. */
const LEFT: ReadonlySet<string> = new Set(["SANDBOX_CANCELLED", "answered"]);

/** Attacks on "a plugin works within calls, every call pays for its own work, and every call ends". */
const ATTACKS: readonly Attack[] = [
  attack("a call that never answers", "() => new Promise(() => {})", ["SANDBOX_DEADLINE"], { limits: SHORT }),
  attack(
    "a call that sleeps beyond its wall time",
    "() => new Promise((wake) => setTimeout(wake, 86400000))",
    ["SANDBOX_DEADLINE"],
    { limits: SHORT },
  ),
  attack(
    "a call that keeps itself awake",
    "() => { setInterval(() => {}, 1); return new Promise(() => {}); }",
    ["SANDBOX_DEADLINE", "SANDBOX_CPU"],
    { limits: SHORT },
  ),
  attack(
    "an answer at the very end of the wall time",
    "() => new Promise((wake) => setTimeout(() => wake('late'), 400))",
    ["answers", "SANDBOX_DEADLINE"],
    { limits: SHORT },
  ),
  attack(
    "a call that waits for a broker who never answers",
    "(value, ctx) => ctx.storage.get('k')",
    ["SANDBOX_DEADLINE"],
    {
      limits: SHORT,
      respond: () => new Promise(() => undefined),
    },
  ),
  attack(
    "an answer of the broker after the call's end",
    "(value, ctx) => { ctx.storage.get('k').then(() => { more.heard = true; }); return 'answered'; }",
    ["answers"],
    {
      answer: "answered",
      limits: { cpuMs: 2_000 },
      respond: () => sleep(30, { value: "late" }),
    },
  ),
  attack("an interval that is set while the plugin is loaded", "() => more.waits(30)", ["answers"], {
    top: `${TOP} setInterval(() => { ticks += 1; }, 1);`,
    limits: { cpuMs: 2_000 },
    play: async ({ attacker }) => {
      assert.equal(await attacker.call("attack"), "woken");
      assert.equal(await attacker.call("ticks"), 0);
      assert.match(attacker.lines.map(({ text }) => text).join(), /outside a call never fires/);
    },
  }),
  attack(
    "an interval that is set after the answer",
    "() => { afterAnswer(() => setInterval(() => { ticks += 1; }, 1)); return 'answered'; }",
    ["answers"],
    {
      top: TOP,
      limits: { cpuMs: 2_000 },
      play: async ({ attacker }) => {
        assert.equal(await attacker.call("attack"), "answered");
        assert.equal(await attacker.call("waits", 30), "woken");
        assert.equal(await attacker.call("ticks"), 0);
      },
    },
  ),
  attack(
    "work after the answer",
    "() => { afterAnswer(() => { for (let i = 0; i < 40; i++) console.log('flush'); burn(2e10); }); return 'answered'; }",
    ["SANDBOX_CPU"],
    {
      top: TOP,
      limits: { cpuMs: 200 },
    },
  ),
  attack(
    "a loop after the answer",
    "() => { afterAnswer(() => { for (let i = 0; i < 40; i++) console.log('flush'); for (;;); }); return 'answered'; }",
    ["SANDBOX_CPU"],
    { top: TOP },
  ),
  attack(
    "timers that a thousand calls leave behind",
    "(value) => { setTimeout(() => {}, 60000); return value; }",
    ["answers"],
    {
      limits: { cpuMs: 2_000 },
      play: async ({ attacker }) => {
        for (let count = 0; count < 1_100; count += 1) assert.equal(await attacker.call("attack", count), count);
      },
    },
  ),
  attack(
    "an error in a timer",
    "() => new Promise(() => setTimeout(() => { throw new RangeError('from a timer'); }, 1))",
    ["SANDBOX_PLUGIN_THREW"],
    {
      limits: { cpuMs: 2_000 },
    },
  ),
  attack(
    "an error in a timer, to blame it on another call",
    "() => new Promise(() => setTimeout(() => { throw new RangeError('from a timer'); }, 1))",
    ["SANDBOX_PLUGIN_THREW"],
    {
      top: TOP,
      limits: { cpuMs: 2_000, wallMs: 20_000 },
      elsewhere: { quickjs: { skip: "a process runs one call at a time, so there are never two" } },
      play: async ({ attacker }) => {
        const waiting = attacker.call("waits", 60);
        const never = attacker.call("attack");
        never.catch(() => undefined);
        assert.equal(await waiting, "woken");
        assert.ok(attacker.lines.some(({ level, text }) => level === "error" && text.includes("from a timer")));
      },
    },
  ),
  attack(
    "a rejection that nobody handles, to blame it on another call",
    "() => new Promise(() => setTimeout(() => { Promise.reject(new RangeError('unhandled')); }, 1))",
    ["SANDBOX_PLUGIN_THREW"],
    {
      top: TOP,
      limits: { cpuMs: 2_000, wallMs: 20_000 },
      elsewhere: {
        quickjs: {
          skip: "a process runs one call at a time, so there are never two",
        },
      },
      play: async ({ attacker }) => {
        await assert.rejects(attacker.call("attack"), /RangeError: unhandled/);
        const never = attacker.call("attack");
        never.catch(() => undefined);
        assert.equal(await attacker.call("waits", 60), "woken");
      },
    },
  ),
  attack(
    "a plugin that goes on when its call was cancelled",
    "(value, ctx) => new Promise(() => ctx.signal.addEventListener('abort', () => { for (;;); }))",
    ["SANDBOX_CANCELLED"],
    {
      play: async ({ attacker }) => {
        const stop = new AbortController();
        const call = attacker.call("attack", null, stop.signal);
        setTimeout(() => stop.abort(), 20);
        await assert.rejects(call, { code: "SANDBOX_CANCELLED" });
      },
    },
  ),
  attack(
    "a plugin that throws when it hears of its end",
    "(value, ctx) => new Promise(() => { ctx.signal.onabort = () => { throw new Error('no'); }; })",
    ["SANDBOX_CANCELLED"],
    {
      play: async ({ attacker }) => {
        const stop = new AbortController();
        const call = attacker.call("attack", null, stop.signal);
        setTimeout(() => stop.abort(), 20);
        await assert.rejects(call, { code: "SANDBOX_CANCELLED" });
      },
    },
  ),
  attack(
    "a storm of cancellations",
    "(ms) => new Promise((wake) => setTimeout(() => wake('answered'), ms))",
    ["SANDBOX_CANCELLED"],
    {
      limits: { cpuMs: 10_000 },
      play: async ({ attacker }) => {
        await attacker.call("echo");
        const endings = Array.from({ length: 200 }, (_, index) => {
          const stop = new AbortController();
          const call = attacker.call("attack", index % 7, stop.signal).catch(codeOf);
          if (index % 3 === 0) stop.abort();
          else setTimeout(() => stop.abort(), index % 11);
          return call;
        });
        for (const ending of await Promise.all(endings)) assert.ok(LEFT.has(String(ending)), String(ending));
      },
    },
  ),
  attack("a caller who leaves while the plugin is loaded does not wait for it", "() => 1", ["SANDBOX_CANCELLED"], {
    top: "for (;;);",
    limits: { cpuMs: 1_000 },
    play: async ({ attacker }) => {
      // Who waited would hear of the CPU time instead.
      await assert.rejects(attacker.call("echo", null, AbortSignal.timeout(100)), { code: "SANDBOX_CANCELLED" });
      attacker.compartment[Symbol.dispose]();
    },
  }),
];

export const TIME_ATTACKS: readonly Attack[] = ATTACKS.map((each) => ({ ...each, isForEveryLevel: true }));
