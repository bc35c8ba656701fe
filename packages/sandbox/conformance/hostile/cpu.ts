import { PATIENT, attack, forEveryLevel } from "./attack.ts";
import type { Attack, Ending } from "./attack.ts";

const OVERDRAWN: readonly Ending[] = ["SANDBOX_CPU"];
/** Native work that grows: time or memory is used up first, or a built-in refuses. */
const USED_UP: readonly Ending[] = ["SANDBOX_CPU", "SANDBOX_MEMORY", "SANDBOX_CRASHED", "SANDBOX_PLUGIN_THREW"];

/** Work without end in code that an engine can interrupt. */
const ENDLESS = {
  "a plain loop": "() => { for (;;); }",
  "a loop in finally": "() => { try { for (;;); } finally { for (;;); } }",
  "a loop in catch": "() => { for (;;) { try { for (;;); } catch { continue; } } }",
  "a function that calls itself again when that fails":
    "() => { const f = () => { try { f(); } finally { f(); } }; f(); }",
  "a pattern that backtracks": "() => /^(a+)+$/.test('a'.repeat(40) + '!')",
  "a pattern with references": "() => /^(?:(a*)*b?)*\\1$/.test('a'.repeat(60) + '!')",
  "a comparing function of sort": "() => [3, 1, 2].sort(() => { for (;;); })",
  "a sort that is never content":
    "() => { for (;;) Array.from({ length: 1000 }, (_, i) => i).sort(() => Math.random() - 0.5); }",
  "a replacing function": "() => 'x'.replace(/x/, () => { for (;;); })",
  "a toJSON method": "() => JSON.stringify({ toJSON() { for (;;); } })",
  "a getter of the answer": "() => ({ get a() { for (;;); } })",
  "a proxy as answer": "() => new Proxy({}, { ownKeys() { for (;;); } })",
  "a list as answer whose length lies":
    "() => new Proxy([], { get: (list, key) => (key === 'length' ? 2 ** 53 - 1 : 0) })",
  "a prototype of the answer that is a trap": "() => new Proxy({}, { getPrototypeOf() { for (;;); } })",
  "a reviver of JSON.parse": "() => JSON.parse('[1]', () => { for (;;); })",
  "an iterator without end":
    "() => { for (const each of { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) }); }",
  "a generator": "() => { function* all() { for (;;) yield 1; } for (const each of all()); }",
  "an asynchronous generator":
    "async () => { async function* all() { for (;;) yield 1; } for await (const each of all()); }",
  "jobs that make jobs":
    "() => { const again = () => void Promise.resolve().then(again); again(); return new Promise(() => {}); }",
  "microtasks that queue microtasks":
    "() => { const again = () => queueMicrotask(again); again(); return new Promise(() => {}); }",
  "a loop in a thenable": "() => ({ then() { for (;;); } })",
  "a loop in the getter of then": "() => ({ get then() { for (;;); } })",
  "a promise that is always one more":
    "() => { const more = { then: (resolve) => resolve(more) }; return Promise.resolve(more).then(() => 1); }",
  "an error that cannot be read": "() => { throw { get message() { for (;;); } }; }",
  "a stack that takes for ever": "() => { Error.prepareStackTrace = () => { for (;;); }; throw new Error('x'); }",
  "a log of something endless": "(value, ctx) => { ctx.log.info({ get a() { for (;;); } }); }",
  "a log of something whose text is endless":
    "() => { console.log(Object.assign(() => 1, {}), { toString() { for (;;); }, get b() { for (;;); } }); }",
  "a scope that is a trap":
    "() => new Function('trap', 'with (trap) return x')(new Proxy({}, { has() { for (;;); } }))",
  "a conversion that never ends": "() => +{ [Symbol.toPrimitive]() { for (;;); } }",
  "an array-like without end": "() => Array.prototype.reduceRight.call({ length: 2 ** 53 - 1 }, () => 1, 0)",
  "a timer that leaves no time":
    "() => new Promise(() => { setInterval(() => { for (let i = 0; i < 1e6; i++); }, 1); })",
  "timers that set timers":
    "() => new Promise(() => { const again = () => { for (let i = 0; i < 20; i++) try { setTimeout(again, 0); } catch { for (let k = 0; k < 1e5; k++); } }; again(); })",
  "a loop that asks the broker all the time":
    "(value, ctx) => { for (;;) { for (let i = 0; i < 16; i++) ctx.storage.get('k'); const end = Date.now() + 25; for (let i = 0; i < 1e6 && Date.now() < end; i++); } }",
  "a loop that logs all the time":
    "() => { for (;;) { for (let i = 0; i < 16; i++) console.log('k'); for (let i = 0; i < 1e6; i++); } }",
} as const;

/** Each of them must be interrupted wherever an engine can interrupt. */
export const LOOPS: readonly Attack[] = Object.entries(ENDLESS).map(([name, action]) =>
  attack(name, action, [...OVERDRAWN, "SANDBOX_MEMORY"]),
);

/** Few instructions that are much work inside built-in functions. */
const NATIVE: readonly Attack[] = [
  attack("a BigInt of millions of digits", "() => (2n ** (2n ** 26n)).toString().length", USED_UP),
  attack("a BigInt that is squared again and again", "() => { let n = 3n; for (;;) n *= n; }", USED_UP),
  attack(
    "a search through an array-like without end",
    "() => Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
    ["SANDBOX_CPU"],
  ),
  attack("a huge fill", "() => Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1)", USED_UP),
  attack("a fill of a huge array", "() => new Array(2 ** 32 - 1).fill(0).length", USED_UP),
  attack("a split of half a gigabyte", "() => 'y'.repeat(500000000).split('').length", USED_UP, { limits: PATIENT }),
  attack(
    "a replacement of every letter by many",
    "() => 'a'.repeat(1e6).replaceAll('a', 'b'.repeat(1e4)).length",
    USED_UP,
  ),
  attack("a wide bomb for JSON.parse", "() => JSON.parse('[' + '[],'.repeat(1e7) + '[]]').length", USED_UP),
  attack(
    "a concatenation of array-likes without end",
    "() => [].concat({ length: 2 ** 53 - 2, [Symbol.isConcatSpreadable]: true }).length",
    [...USED_UP, "answers"],
  ),
  attack("raw text without end", "() => String.raw({ raw: { length: 2 ** 53 - 1 } }).length", USED_UP),
  attack("a Map that grows", "() => { const map = new Map(); for (let i = 0; ; i++) map.set({ i }, map); }", USED_UP),
  attack(
    "a million promises at a time",
    "() => Promise.all(Array.from({ length: 1e6 }, async () => { for (;;) await null; }))",
    USED_UP,
  ),
  attack("source code that takes long to read", "() => new Function('return ' + '(1+'.repeat(3e6) + '1')", USED_UP),
  attack(
    "text to bytes and back, again and again",
    "() => { for (let text = 'ü';;) text += new TextDecoder().decode(new TextEncoder().encode(text)); }",
    USED_UP,
  ),
  attack("timers without end", "() => { for (;;) setTimeout(() => {}, 1); }", ["SANDBOX_PLUGIN_THREW"]),
  attack(
    "timers without end, whatever is thrown",
    "() => { for (;;) try { setTimeout(() => {}, 1); } catch {} }",
    OVERDRAWN,
  ),
];

export const CPU_ATTACKS: readonly Attack[] = forEveryLevel(
  [
    "a plain loop",
    "jobs that make jobs",
    "a loop in a thenable",
    "timers that set timers",
    "a loop that asks the broker all the time",
    "a loop that logs all the time",
    "a BigInt of millions of digits",
    "a search through an array-like without end",
    "a split of half a gigabyte",
    "a million promises at a time",
    "timers without end, whatever is thrown",
  ],
  [...LOOPS, ...NATIVE],
);
