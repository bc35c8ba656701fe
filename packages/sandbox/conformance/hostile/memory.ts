import assert from "node:assert/strict";

import { PATIENT, attack } from "./attack.ts";
import type { Attack, Ending } from "./attack.ts";

/** Memory ends first, or time where it is slow to fill, or a built-in refuses. */
const HELD: readonly Ending[] = ["SANDBOX_MEMORY", "SANDBOX_CRASHED", "SANDBOX_CPU", "SANDBOX_PLUGIN_THREW"];

/** Ways to keep more and more. */
const KEPT = {
  arrays: "() => { const kept = []; for (;;) kept.push(new Array(1000).fill(1.5)); }",
  strings: "() => { let text = 'x'; for (;;) text += text; }",
  "repeated strings": "() => { const kept = []; for (;;) kept.push('xyz'.repeat(100000)); }",
  "ropes that are flattened":
    "() => { const kept = []; for (let i = 0; ; i++) { let rope = 'x' + i; while (rope.length < 4e6) rope += rope; kept.push(rope); rope.charCodeAt(1000); JSON.parse(JSON.stringify(rope)); } }",
  buffers: "() => { const kept = []; for (;;) kept.push(new Uint8Array(1000000).fill(1)); }",
  "buffers that are never written": "() => { const kept = []; for (;;) kept.push(new Float64Array(1000000)); }",
  "one huge buffer": "() => new Uint8Array(2e9).length",
  "small buffers": "() => { const kept = []; for (;;) kept.push(new Uint8Array(64).fill(1)); }",
  "views of one buffer":
    "() => { const buffer = new ArrayBuffer(1e6), kept = []; for (;;) kept.push(new DataView(buffer)); }",
  "split text": "() => 'y'.repeat(5e6).split('').length",
  "parsed JSON": "() => JSON.parse('[' + '1,'.repeat(2e6) + '1]').length",
  "written JSON": "() => JSON.stringify(new Array(1e7).fill('abcdefgh')).length",
  maps: "() => { const map = new Map(); for (let i = 0; ; i++) map.set(i, { i }); }",
  "weak maps with living keys":
    "() => { const map = new WeakMap(), kept = []; for (;;) { const key = {}; kept.push(key); map.set(key, new Array(100)); } }",
  closures: "() => { let f = () => 0; for (;;) { const g = f; f = () => g; } }",
  promises: "() => { const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => 1)); }",
  atoms: "() => { const o = {}; for (let i = 0; ; i++) o['name of a member ' + i] = i; }",
  "registered symbols": "() => { for (let i = 0; ; i++) Symbol.for('name of a symbol ' + i); }",
  patterns: "() => { const kept = []; for (let i = 0; ; i++) kept.push(new RegExp('(a|b){1,200}' + i)); }",
  code: "() => { const kept = []; for (let i = 0; ; i++) kept.push(new Function('return ' + i)); }",
  BigInts: "() => { const kept = []; for (let i = 0n; ; i++) kept.push((i << 100000n) + 1n); }",
  "requests that wait to be sent": "(value, ctx) => { for (;;) void ctx.storage.put('k', 'x'.repeat(100000)); }",
  "a hoard whose errors are caught":
    "() => { const kept = []; for (;;) { try { kept.push(new Array(100000).fill(1)); } catch { if (kept.length > 1e5) break; } } }",
} as const;

const BURDENS_THE_PROCESS: ReadonlySet<string> = new Set([
  "repeated strings",
  "buffers",
  "buffers that are never written",
  "maps",
  "registered symbols",
  "requests that wait to be sent",
]);

/** Each of them must stay within the memory limit. */
export const HOARDS: readonly Attack[] = Object.entries(KEPT).map(([name, action]) =>
  attack(`a hoard of ${name}`, action, [...HELD, "answers"], {
    limits: PATIENT,
    isForEveryLevel: BURDENS_THE_PROCESS.has(name),
  }),
);

const RESIZABLE = "Resizable buffers are not available";

export const MEMORY_ATTACKS: readonly Attack[] = [
  ...HOARDS,
  attack(
    "long lines of the log without end",
    "() => { for (;;) console.log('x'.repeat(1e6)); }",
    ["SANDBOX_CPU", "SANDBOX_MEMORY"],
    {
      isForEveryLevel: true,
    },
  ),
  attack("an answer larger than any value", "() => 'x'.repeat(70000000)", ["SANDBOX_PLUGIN_THREW", "SANDBOX_MEMORY"], {
    limits: { ...PATIENT, memoryMiB: 256 },
  }),
  attack(
    "an answer of more byte sections than one may have",
    "() => Array.from({ length: 2000 }, () => new Uint8Array(1))",
    ["SANDBOX_PLUGIN_THREW"],
  ),
  attack(
    "one section of bytes, given a thousand times",
    "() => { const one = new Uint8Array(1e6); return new Array(1000).fill(one); }",
    HELD,
    {
      limits: PATIENT,
    },
  ),
  attack(
    "resizable buffers, by every name",
    `() => [ArrayBuffer, new Uint8Array(1).buffer.constructor].map((Buffer) => { try { return new Buffer(8, { maxByteLength: 1e9 }).byteLength; } catch (error) { return error.message.slice(0, ${RESIZABLE.length}); } })`,
    ["answers"],
    { answer: [RESIZABLE, RESIZABLE] },
  ),
  attack(
    "formats of a thousand locales, which keep native memory",
    "() => typeof Intl + typeof (1).toLocaleString('de', { style: 'currency', currency: 'EUR' })",
    ["answers"],
    { answer: "undefinedstring" },
  ),
  attack("twenty thousand answers of 10 KB", "(value) => value", ["answers"], {
    limits: { memoryMiB: 32, cpuMs: 10_000 },
    play: async ({ attacker }) => {
      const text = "x".repeat(10_000);
      let left = 20_000;
      const work = async (): Promise<void> => {
        for (; left > 0; left -= 1) assert.equal(await attacker.call("echo", text), text);
      };
      await Promise.all(Array.from({ length: 16 }, work));
    },
  }),
];
