import assert from "node:assert/strict";
import test from "node:test";

import { openStrict } from "../bench.ts";
import type { Said } from "../bench.ts";

const CPU_MS = 60;
const MEMORY_MIB = 16;
/** What the machine may be larger than the plugin's limit: the engine's own stack and data. */
const OVERHEAD_BYTES = 2 * 1_048_576;

/** One action, `attack`, in a compartment of its own; answers with what it said, and with its memory afterwards. */
function attack(body: string, cpuMs = CPU_MS): { said: Said[]; largestBytes: number; tookMs: number } {
  const bench = openStrict(`var berthPlugin = { actions: { attack: ${body}, echo: (value) => value } };`, {
    memoryMiB: MEMORY_MIB,
    cpuMs,
  });
  const startedAt = performance.now();
  const said = bench.call("attack");
  const tookMs = performance.now() - startedAt;
  const largestBytes = bench.compartment.memory.length;
  bench.rest();
  const isLost = said.some(({ kind }) => kind === "lost");
  // A compartment that was lost never runs again; one that was not is as good as new.
  const expected: Said[] = isLost ? [] : [{ kind: "result", json: '"again"', bytes: [] }];
  assert.deepEqual(bench.call("echo", "again"), expected);
  return { said, largestBytes, tookMs };
}

const LOOPS = {
  "a plain loop": "() => { for (;;); }",
  "a loop in finally": "() => { try { for (;;); } finally { for (;;); } }",
  "a loop in catch": "() => { for (;;) { try { for (;;); } catch { continue; } } }",
  "a pattern that backtracks": "() => /^(a+)+$/.test('a'.repeat(40) + '!')",
  "a pattern with references": "() => /^(?:(a*)*b?)*\\1$/.test('a'.repeat(60) + '!')",
  "a comparing function of sort": "() => [3, 1, 2].sort(() => { for (;;); })",
  "a sort that is never content":
    "() => { for (;;) Array.from({ length: 1000 }, (_, i) => i).sort(() => Math.random() - 0.5); }",
  "a replacing function": "() => 'x'.replace(/x/, () => { for (;;); })",
  "a toJSON method": "() => JSON.stringify({ toJSON() { for (;;); } })",
  "a getter of the answer": "() => ({ get a() { for (;;); } })",
  "a proxy as answer": "() => new Proxy({}, { ownKeys() { for (;;); } })",
  "a reviver of JSON.parse": "() => JSON.parse('[1]', () => { for (;;); })",
  "an iterator without end":
    "() => [...{ [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }].length",
  "a generator": "() => { function* all() { for (;;) yield 1; } for (const each of all()); }",
  "jobs that make jobs":
    "() => { const again = () => void Promise.resolve().then(again); again(); return new Promise(() => {}); }",
  "a promise that is always one more":
    "() => { const more = { then: (resolve) => resolve(more) }; return Promise.resolve(more).then(() => 1); }",
  "an error that cannot be read": "() => { throw { get message() { for (;;); } }; }",
  "a log of something endless": "(value, ctx) => { ctx.log.info({ get a() { for (;;); } }); }",
} as const;

for (const [what, body] of Object.entries(LOOPS)) {
  test(`interrupts ${what}`, () => {
    const { said } = attack(body);
    const last = said.at(-1);
    assert.equal(last?.kind, "lost", JSON.stringify(said).slice(0, 400));
    assert.ok(last.kind === "lost" && ["cpu", "memory"].includes(last.reason), JSON.stringify(last));
  });
}

const HOARDS = {
  arrays: "() => { const kept = []; for (;;) kept.push(new Array(1000).fill(1.5)); }",
  strings: "() => { let text = 'x'; for (;;) text += text; }",
  "repeated strings": "() => { const kept = []; for (;;) kept.push('xyz'.repeat(100000)); }",
  buffers: "() => { const kept = []; for (;;) kept.push(new Uint8Array(1000000).fill(1)); }",
  "one huge buffer": "() => new Uint8Array(2e9).length",
  "split text": "() => 'y'.repeat(5e6).split('').length",
  "parsed JSON": "() => JSON.parse('[' + '1,'.repeat(2e6) + '1]').length",
  "written JSON": "() => JSON.stringify(new Array(1e7).fill('abcdefgh')).length",
  maps: "() => { const map = new Map(); for (let i = 0; ; i++) map.set(i, { i }); }",
  closures: "() => { let f = () => 0; for (;;) { const g = f; f = () => g; } }",
  promises: "() => { const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => 1)); }",
  atoms: "() => { const o = {}; for (let i = 0; ; i++) o['name of a member ' + i] = i; }",
  patterns: "() => { const kept = []; for (let i = 0; ; i++) kept.push(new RegExp('(a|b){1,200}' + i)); }",
  code: "() => { const kept = []; for (let i = 0; ; i++) kept.push(new Function('return ' + i)); }",
  "requests that wait to be sent": "(value, ctx) => { for (;;) void ctx.storage.put('k', 'x'.repeat(100000)); }",
  "a hoard whose errors are caught":
    "() => { const kept = []; for (;;) { try { kept.push(new Array(100000).fill(1)); } catch { if (kept.length > 1e5) break; } } }",
} as const;

for (const [what, body] of Object.entries(HOARDS)) {
  test(`holds ${what} within the memory limit`, () => {
    const { said, largestBytes } = attack(body, 1_500);
    assert.ok(largestBytes <= MEMORY_MIB * 1_048_576 + OVERHEAD_BYTES, `${largestBytes} bytes`);
    const last = said.at(-1);
    // Some of it fits; then it is slow, or the plugin's own RangeError ends it.
    const isHeld =
      last?.kind === "failure" ||
      last?.kind === "result" ||
      (last?.kind === "lost" && (last.reason === "memory" || last.reason === "cpu"));
    assert.ok(isHeld, JSON.stringify(said).slice(0, 400));
  });
}

const DEPTHS = {
  "a function that calls itself": "() => { const f = (n) => f(n + 1) + 1; return f(0); }",
  "nested arrays to JSON":
    "() => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; return JSON.stringify(list).length; }",
  "nested JSON to arrays": "() => JSON.parse('['.repeat(100000) + ']'.repeat(100000)).length",
  "a deep answer": "() => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; return list; }",
  "deep source": "() => eval('('.repeat(50000) + '1' + ')'.repeat(50000))",
  "a deep pattern": "() => new RegExp('('.repeat(20000) + ')'.repeat(20000)).test('')",
  "a getter that gets itself": "() => { const o = { get a() { return this.a; } }; return o.a; }",
  "a proxy of a proxy":
    "() => { let p = {}; for (let i = 0; i < 50000; i++) p = new Proxy(p, {}); return p.x ?? null; }",
  "a list in itself": "() => { const list = []; list.push(list); return list.flat(Infinity).length; }",
  "toString of nested arrays":
    "() => { let list = []; for (let i = 0; i < 50000; i++) list = [list]; return String(list).length; }",
  "promises in promises":
    "async () => { let p = Promise.resolve(1); for (let i = 0; i < 20000; i++) { const q = p; p = (async () => q)(); } return p; }",
  "bound functions": "() => { let f = () => 1; for (let i = 0; i < 50000; i++) f = f.bind(null); return f(); }",
  "class chains":
    "() => { let C = class {}; for (let i = 0; i < 5000; i++) { const B = C; C = class extends B {}; } return new C() instanceof Object; }",
} as const;

for (const [what, body] of Object.entries(DEPTHS)) {
  test(`survives ${what}`, () => {
    const { said } = attack(body, 3_000);
    // Whatever the outcome, it is one of ours, and the engine is still here to tell.
    assert.ok(said.length > 0 && said.at(-1)?.kind !== "request", JSON.stringify(said).slice(0, 200));
  });
}
