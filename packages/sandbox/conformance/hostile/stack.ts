import { PATIENT, attack } from "./attack.ts";
import type { Attack, Ending } from "./attack.ts";

/** Some depths fit: then the plugin has its answer. The others end as an error of its own, or as the plugin's end. */
const SURVIVED: readonly Ending[] = [
  "answers",
  "SANDBOX_PLUGIN_THREW",
  "SANDBOX_MEMORY",
  "SANDBOX_CPU",
  "SANDBOX_CRASHED",
];

const DEEP = {
  "a function that calls itself": "() => { const f = (n) => f(n + 1) + 1; return f(0); }",
  "nested arrays to JSON":
    "() => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; return JSON.stringify(list).length; }",
  "nested JSON to arrays": "() => JSON.parse('['.repeat(100000) + ']'.repeat(100000)).length",
  "a deep answer": "() => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; return list; }",
  "an answer that holds itself": "() => { const all = {}; all.all = all; return all; }",
  "a deep request":
    "(value, ctx) => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; return ctx.storage.put('k', list); }",
  "a deep line of the log":
    "(value, ctx) => { let list = []; for (let i = 0; i < 100000; i++) list = [list]; ctx.log.info(list); }",
  "deep source": "() => eval('('.repeat(50000) + '1' + ')'.repeat(50000))",
  "deep destructuring": "() => eval('const ' + '['.repeat(20000) + 'a' + ']'.repeat(20000) + ' = []')",
  "a deep pattern": "() => new RegExp('('.repeat(20000) + ')'.repeat(20000)).test('')",
  "a getter that gets itself": "() => { const o = { get a() { return this.a; } }; return o.a; }",
  "a toJSON that writes itself":
    "() => { const o = { toJSON() { return JSON.stringify(o); } }; return JSON.stringify(o); }",
  "a proxy of a proxy":
    "() => { let p = {}; for (let i = 0; i < 50000; i++) p = new Proxy(p, {}); return p.x ?? null; }",
  "a chain of prototypes":
    "() => { let o = {}; for (let i = 0; i < 100000; i++) o = Object.create(o); return o.x ?? null; }",
  "a list in itself": "() => { const list = []; list.push(list); return list.flat(Infinity).length; }",
  "toString of nested arrays":
    "() => { let list = []; for (let i = 0; i < 50000; i++) list = [list]; return String(list).length; }",
  "promises in promises":
    "async () => { let p = Promise.resolve(1); for (let i = 0; i < 20000; i++) { const q = p; p = (async () => q)(); } return p; }",
  "bound functions": "() => { let f = () => 1; for (let i = 0; i < 50000; i++) f = f.bind(null); return f(); }",
  "class chains":
    "() => { let C = class {}; for (let i = 0; i < 5000; i++) { const B = C; C = class extends B {}; } return new C() instanceof Object; }",
  "a comparing function that sorts": "() => { const sort = () => [2, 1].sort(sort).length; return sort(); }",
  "an error whose cause has a cause":
    "() => { let error = new Error('x'); for (let i = 0; i < 100000; i++) error = new Error('x', { cause: error }); throw error; }",
  "a million arguments": "() => Math.max(...new Array(5000000).fill(1))",
  "a million arguments by apply": "() => String.fromCharCode.apply(null, new Array(3000000).fill(65)).length",
  "a rope of many pieces":
    "() => { let rope = ''; for (let i = 0; i < 2e5; i++) rope = (i & 1 ? 'ab' + rope : rope + 'cd'); return rope.charCodeAt(5); }",
} as const;

const MAY_CRASH: ReadonlySet<string> = new Set([
  "deep source",
  "a deep pattern",
  "a million arguments",
  "a rope of many pieces",
]);

export const STACK_ATTACKS: readonly Attack[] = Object.entries(DEEP).map(([name, action]) =>
  attack(name, action, SURVIVED, { limits: PATIENT, isForEveryLevel: MAY_CRASH.has(name) }),
);
