import assert from "node:assert/strict";

import { SandboxError } from "../../src/errors.ts";
import { PATIENT, SHORT, attack, forEveryLevel } from "./attack.ts";
import type { Attack, Scene } from "./attack.ts";

const codeOf = (error: unknown): string => (error instanceof SandboxError ? error.code : String(error));

/** The plugin's words for what went wrong. */
async function failureOf({ attacker }: Scene): Promise<{ name: string; message: string; stack: string; code: string }> {
  const error: unknown = await attacker.call("attack").then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SandboxError && error.code === "SANDBOX_PLUGIN_THREW", String(error));
  return error.details?.["plugin"] as { name: string; message: string; stack: string; code: string };
}

/** Longer than any message of the embedding side. */
const LONG = 10_000;

/** Attacks on what crosses: requests, answers, words. */
const ATTACKS: readonly Attack[] = [
  attack(
    "a flood of requests that nobody awaits",
    "(value, ctx) => { for (let i = 0; i < 5000; i++) ctx.storage.get('k'); return 'answered'; }",
    ["answers"],
    { limits: PATIENT, answer: "answered" },
  ),
  attack(
    "a flood of requests, each awaited",
    "async (value, ctx) => { await Promise.all(Array.from({ length: 2000 }, (_, i) => ctx.storage.put('k' + i, i))); return 'answered'; }",
    ["answers"],
    { limits: PATIENT, answer: "answered" },
  ),
  attack(
    "a flood of reports of progress",
    "(value, ctx) => { for (let i = 0; i < 1e4; i++) ctx.progress({ done: i, message: 'x'.repeat(1000) }); return 'answered'; }",
    ["answers"],
    {
      limits: { memoryMiB: 64, cpuMs: 10_000 },
      play: async ({ attacker }) => {
        let heard = 0;
        const answer = await attacker.call("attack", null, undefined, { onProgress: () => (heard += 1) });
        assert.equal(answer, "answered");
        assert.ok(heard > 0 && heard < 2_000, `${heard} reports`);
      },
    },
  ),
  attack(
    "reports of progress through the context of a call that has ended",
    "(value, ctx) => { const old = more.kept; more.kept = ctx; old?.progress({ message: 'not mine' }); return 'answered'; }",
    ["answers"],
    {
      play: async ({ attacker }) => {
        const heard: unknown[] = [];
        for (let calls = 0; calls < 3; calls += 1)
          await attacker.call("attack", null, undefined, { onProgress: (progress) => heard.push(progress) });
        assert.deepEqual(heard, []);
      },
    },
  ),
  attack(
    "a report of progress whose text is forged",
    "(value, ctx) => { Object.prototype.toJSON = () => 'forged'; ctx.progress({ done: 1 }); return 1; }",
    ["answers", "SANDBOX_PLUGIN_THREW"],
    {
      play: async ({ attacker }) => {
        const heard: unknown[] = [];
        const more = { onProgress: (progress: unknown): unknown => heard.push(progress) };
        const ending = await attacker.call("attack", null, undefined, more).then(
          () => "answers",
          (error: { code?: string }) => error.code,
        );
        assert.ok(ending === "answers" || ending === "SANDBOX_PLUGIN_THREW", ending);
        assert.deepEqual(heard, []);
      },
    },
  ),
  attack(
    "a request larger than one may be",
    "(value, ctx) => ctx.storage.put('k', 'x'.repeat(2e6)).catch((error) => error.code)",
    ["answers"],
    {
      limits: PATIENT,
      answer: "WIRE_VALUE_TOO_LARGE",
    },
  ),
  attack(
    "a request of many large byte sections",
    "(value, ctx) => ctx.storage.put('k', Array.from({ length: 100 }, () => new Uint8Array(1e5))).catch((error) => error.code)",
    ["answers"],
    { limits: PATIENT, answer: "WIRE_VALUE_TOO_LARGE" },
  ),
  attack(
    "a request that says it comes from somebody else",
    "(value, ctx) => ctx.storage.list({ plugin: 'honest.plugin', pluginId: 'honest.plugin', call: 1, caller: 'root', area: 'user' })",
    ["answers"],
    {
      answer: ["attack", "undefined"],
      // Who asks is known by the pipe; what the value says of it is a value.
      respond: async ({ call }) => [call.action, String(call.caller)],
    },
  ),
  attack(
    "a request whose head is forged to name no call of its own",
    "(value, ctx) => { Array.prototype.toJSON = () => [4000000, 'storage.get']; return ctx.storage.get('k'); }",
    ["SANDBOX_DEADLINE", "SANDBOX_PLUGIN_THREW"],
    {
      limits: SHORT,
      respond: async () => assert.fail("it was served"),
    },
  ),
  attack(
    "a request whose head is forged to name what is no method",
    "(value, ctx) => { Array.prototype.toJSON = () => ({ 0: 1, 1: 'system.exec' }); return ctx.storage.get('k'); }",
    ["SANDBOX_DEADLINE"],
    {
      limits: SHORT,
      respond: async () => assert.fail("it was served"),
    },
  ),
  attack(
    "requests through the context of a call that has ended",
    "async (value, ctx) => { const old = more.kept; more.kept = ctx; if (old === undefined) return 'first'; return Promise.race([old.storage.get('k').then(() => 'served', () => 'refused'), new Promise((wake) => setTimeout(() => wake('not heard'), 50))]); }",
    ["answers"],
    {
      limits: { cpuMs: 2_000 },
      play: async ({ attacker, engine }) => {
        assert.equal(await attacker.call("attack"), "first");
        // Where every call begins afresh, nothing of an earlier one is there to be used.
        assert.equal(await attacker.call("attack"), engine.callsPerProcess === 1 ? "first" : "not heard");
      },
    },
  ),
  attack(
    "an answer whose members are named like parts of prototypes",
    `() => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1,"then":1}')`,
    ["answers"],
    {
      play: async ({ attacker }) => {
        const answer = (await attacker.call("attack")) as Record<string, unknown>;
        assert.equal(Object.getPrototypeOf(answer), Object.prototype);
        assert.deepEqual(Object.getOwnPropertyDescriptor(answer, "__proto__")?.value, { polluted: 1 });
        assert.equal(Reflect.get({}, "polluted"), undefined);
      },
    },
  ),
  attack(
    "an answer that refers to bytes which are not there",
    "() => ({ $bytes: 0, a: [{ $bytes: 7 }, { $$bytes: 1 }] })",
    ["answers"],
    {
      answer: { $bytes: 0, a: [{ $bytes: 7 }, { $$bytes: 1 }] },
    },
  ),
  attack("an answer of functions", "() => ({ f() {} })", ["SANDBOX_PLUGIN_THREW"]),
  attack("an answer of a class with a toJSON", "() => new (class Row { toJSON() { return 1; } })()", [
    "SANDBOX_PLUGIN_THREW",
  ]),
  attack(
    "an answer whose toJSON cannot be seen",
    "() => Object.defineProperty({}, 'toJSON', { value: () => undefined })",
    ["SANDBOX_PLUGIN_THREW"],
  ),
  attack(
    "an answer that is another at each look",
    "() => { let n = 0; return { get a() { n += 1; return n > 1 ? () => 1 : 1; } }; }",
    ["answers", "SANDBOX_PLUGIN_THREW"],
  ),
  attack("an answer that is a symbol", "() => Symbol.iterator", ["SANDBOX_PLUGIN_THREW"]),
  attack("an answer of NaN, deep inside", "() => ({ a: [[{ b: NaN }]] })", ["SANDBOX_PLUGIN_THREW"]),
  attack(
    "an answer that toJSON of every object forges",
    "() => { Object.prototype.toJSON = () => 'forged'; return { a: 1 }; }",
    ["answers"],
    { answer: "forged" },
  ),
  attack(
    "a thenable that answers twice",
    "() => ({ then(resolve, reject) { resolve(1); resolve(2); reject(new Error('x')); } })",
    ["answers"],
    { answer: 1 },
  ),
  attack("a thenable that answers and throws", "() => ({ then(resolve) { resolve(1); throw new Error('x'); } })", [
    "answers",
    "SANDBOX_PLUGIN_THREW",
  ]),
  attack("a thenable that never answers", "() => ({ then() {} })", ["SANDBOX_DEADLINE"], { limits: SHORT }),
  attack("a then that throws when it is looked at", "() => ({ get then() { throw new RangeError('trap'); } })", [
    "SANDBOX_PLUGIN_THREW",
  ]),
  attack(
    "an error that is a trap",
    "() => { throw new Proxy({}, { get() { throw 1; }, has() { throw 1; }, getPrototypeOf() { throw 1; } }); }",
    ["SANDBOX_PLUGIN_THREW"],
  ),
  attack("an error that is nothing", "() => { throw undefined; }", ["SANDBOX_PLUGIN_THREW"]),
  attack(
    "an error of many words",
    "() => { throw Object.assign(new Error('x'.repeat(1e7)), { name: 'y'.repeat(1e6), stack: 'z'.repeat(1e7), code: 'c'.repeat(1e6) }); }",
    ["SANDBOX_PLUGIN_THREW"],
    {
      limits: PATIENT,
      play: async (scene) => {
        const { name, message, stack, code } = await failureOf(scene);
        for (const words of [name, message, stack, code]) assert.ok(words.length < LONG);
      },
    },
  ),
  attack(
    "an error of many words that are not cut",
    "() => { String.prototype.slice = function () { return this.toString(); }; throw new Error('x'.repeat(1e6)); }",
    ["SANDBOX_PLUGIN_THREW"],
    {
      limits: PATIENT,
      play: async (scene) => assert.ok((await failureOf(scene)).message.length < LONG),
    },
  ),
  attack(
    "an error whose words drive a terminal",
    String.raw`() => { throw Object.assign(new Error('\u001b[2J\u001b]0;owned\u0007\u202egone\nSANDBOX_OK'), { name: '\u001b[31m', code: '\u001b[0m' }); }`,
    ["SANDBOX_PLUGIN_THREW"],
    {
      play: async (scene) => {
        const { name, message, code } = await failureOf(scene);
        // eslint-disable-next-line no-control-regex -- that there are none is what is asserted
        for (const words of [name, message, code]) assert.doesNotMatch(words, /[\u0000-\u001f\u007f-\u009f\u202e]/);
      },
    },
  ),
  attack(
    "an error that claims to be the sandbox's own",
    "() => { throw Object.assign(new Error('no time left'), { name: 'SandboxError', code: 'SANDBOX_CPU', kind: 'limit' }); }",
    ["SANDBOX_PLUGIN_THREW"],
  ),
  attack(
    "a rejection that nobody handles",
    "() => { Promise.reject(new RangeError('unhandled')); return new Promise(() => {}); }",
    ["SANDBOX_PLUGIN_THREW"],
    {
      limits: { cpuMs: 2_000, wallMs: 4_000 },
    },
  ),
  attack(
    "rejections without end that nobody handles",
    "() => { for (let i = 0; i < 1e5; i++) Promise.reject(i); return 1; }",
    ["answers", "SANDBOX_PLUGIN_THREW", "SANDBOX_MEMORY"],
    {
      limits: { ...PATIENT, memoryMiB: 64 },
    },
  ),
  attack("calls of what no plugin exports", "() => 1", ["answers"], {
    play: async ({ attacker }) => {
      for (const name of [
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "then",
        "",
        "attack\u0000",
        "x".repeat(1_000),
      ])
        assert.equal(await attacker.call(name).catch(codeOf), "SANDBOX_PLUGIN_THREW", name.slice(0, 20));
    },
  }),
  attack("actions without number", "() => 1", ["SANDBOX_LOAD_FAILED"], {
    top: "for (let i = 0; i < 20000; i++) more['action number ' + i] = () => i;",
    limits: PATIENT,
  }),
  attack("actions whose list never ends", "() => 1", ["SANDBOX_LOAD_FAILED", "SANDBOX_CPU"], {
    top: "more = new Proxy({}, { ownKeys() { for (;;); } });",
  }),
  attack("a plugin that is defined by a getter", "() => 1", ["SANDBOX_LOAD_FAILED", "SANDBOX_CPU"], {
    top: "Object.defineProperty(Object.prototype, 'default', { get() { for (;;); } });",
  }),
  attack("a loop before it is a plugin", "() => 1", ["SANDBOX_LOAD_FAILED", "SANDBOX_CPU"], { top: "for (;;);" }),
  attack("an error before it is a plugin, of many words", "() => 1", ["SANDBOX_LOAD_FAILED"], {
    top: "throw new Error('x'.repeat(1e6));",
  }),
];

export const BRIDGE_ATTACKS = forEveryLevel(
  [
    "a flood of requests that nobody awaits",
    "a flood of requests, each awaited",
    "a flood of reports of progress",
    "a request that says it comes from somebody else",
    "a request whose head is forged to name no call of its own",
    "an error of many words that are not cut",
    "an error whose words drive a terminal",
    "rejections without end that nobody handles",
    "actions without number",
    "a loop before it is a plugin",
  ],
  ATTACKS,
);
