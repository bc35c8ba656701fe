import assert from "node:assert/strict";

import { attack } from "./attack.ts";
import type { Attack } from "./attack.ts";

/** Names that must be out of reach by every constructor of functions. */
const REMOVED = [
  "Atomics",
  "FinalizationRegistry",
  "Intl",
  "SharedArrayBuffer",
  "ShadowRealm",
  "WeakRef",
  "WebAssembly",
  "berthGuest",
  "fetch",
  "gc",
  "global",
  "module",
  "process",
  "require",
];

/** For attempts to reach what a compartment does not have. */
const TOP = String.raw`
const sitesOf = () => {
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (error, sites) => sites;
  const sites = new Error("x").stack;
  delete Error.prepareStackTrace;
  return Array.isArray(sites) ? sites : [];
};
const reached = (attempts) => attempts.flatMap((attempt) => {
  try { const found = attempt(); return found === undefined ? [] : [String(found)]; } catch { return []; }
});`;

/** Answers with what it reached, which is nothing. */
const reaches = (name: string, action: string, more: Partial<Attack> = {}): Attack =>
  attack(name, action, ["answers"], { top: TOP, answer: [], limits: { memoryMiB: 48, cpuMs: 5_000 }, ...more });

const TAMPER = `(how) => {
    const evil = function () { return this; };
    const holders = [Map.prototype, Set.prototype, Promise.prototype, Array.prototype, String.prototype, Function.prototype, JSON, Reflect, Object];
    const members = holders.map((holder) => Object.getOwnPropertyNames(holder).filter((name) => name !== "constructor"));
    for (let h = 0; h < holders.length; h++) for (let m = 0; m < members[h].length; m++) try { holders[h][members[h][m]] = evil; } catch {}
    globalThis.Promise = globalThis.Map = globalThis.String = undefined;
    if (how === "throw") throw new RangeError("tampered");
    for (;;);
  }`;

export const ESCAPES: readonly Attack[] = [
  reaches(
    "no constructor of functions reaches a removed global",
    `(names) => {
      const makers = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor,
        class { static {} }.constructor, setTimeout.constructor, console.log.constructor, Proxy.revocable({}, {}).revoke.constructor];
      // A generator says it through a side effect, because its value is wrapped.
      return names.filter((name) => [...new Set(makers)].some((make) => {
        globalThis.seen = "undefined";
        const begun = make("globalThis.seen = typeof " + name)();
        begun?.next?.();
        return globalThis.seen !== "undefined";
      }) || (0, eval)("typeof " + name) !== "undefined" || new Function("with (globalThis) return typeof " + name)() !== "undefined");
    }`,
    { input: REMOVED },
  ),
  reaches(
    "call sites of an error show no function and no object of the library",
    `() => sitesOf().filter((site) => site.getFileName() !== "plugin.js").flatMap((site) =>
      reached([() => site.getFunction(), () => { const value = site.getThis(); return value === globalThis ? undefined : value; }]))`,
    {
      elsewhere: {
        quickjs: {
          skip: "QuickJS shows functions of strict code too; what the library enforces is enforced again outside the machine",
        },
      },
    },
  ),
  reaches(
    "a function does not learn who called it",
    "function caller() { return reached([() => caller.caller ?? undefined, () => caller.arguments.callee.caller ?? undefined]); }",
  ),
  reaches(
    "no way of making a buffer makes a resizable one",
    `() => {
      const options = { maxByteLength: 64 };
      let reads = 0;
      const shy = { get maxByteLength() { reads += 1; return reads > 1 ? 64 : undefined; } };
      const makes = [() => new ArrayBuffer(8, options), () => Reflect.construct(ArrayBuffer, [8, options], Object),
        () => new (class extends ArrayBuffer {})(8, options), () => new ArrayBuffer(8, new Proxy({}, { get: () => 64 })),
        () => new ArrayBuffer(8, Object.assign(() => {}, options)), () => new ArrayBuffer(8, shy),
        () => new (new Uint8Array(8).buffer.constructor)(8, options), () => new (Object.getPrototypeOf(Object.assign(class extends ArrayBuffer {}, {})))(8, options)];
      const isResizable = (buffer) => { const view = new Uint8Array(buffer); try { buffer.resize(16); } catch {} return view.length !== 8; };
      return makes.flatMap((make, index) => { try { return isResizable(make()) ? [index] : []; } catch { return []; } });
    }`,
  ),
  reaches(
    "no module can be imported",
    `async () => { const found = []; for (const name of ["node:fs", "fs", "./plugin.js", "data:text/javascript,1"]) await import(name).then(() => found.push(name), () => {}); return found; }`,
  ),
  reaches(
    "a plugin cannot cancel its own call",
    `(value, ctx) => reached([
      () => { ctx.constructor.cancel(ctx); return ctx.signal.aborted ? "context" : undefined; },
      () => { AbortSignal.abort(ctx.signal, 1); return ctx.signal.aborted ? "signal" : undefined; },
    ])`,
  ),
  reaches(
    "errors of the engine tell nothing of the machine",
    String.raw`(value, ctx) => {
      const stacks = [];
      const note = (error) => stacks.push(String(error) + String(error?.stack));
      const deep = () => { try { deep(); } catch (error) { note(error); } };
      deep();
      for (const attempt of [() => console.log({ get a() { throw new Error("x"); } }), () => ctx.storage.put("k", () => 1), () => setTimeout(1), () => new Uint8Array(-1)])
        try { attempt(); } catch (error) { note(error); }
      return stacks.filter((stack) => /file:|node:|\.mjs|\.ts\b|isolated|\/[a-z]+\//.test(stack));
    }`,
  ),
  reaches(
    "no locale and no time zone of the machine shows",
    `() => [new Date(0).toLocaleString("de", { timeZone: "Asia/Tokyo" }) === "1970-01-01T00:00:00.000Z", (1234.5).toLocaleString("de") === "1234.5",
      [1.5].toLocaleString("de") === "1.5", new Float32Array([1.5]).toLocaleString("de") === "1.5", 1n.toLocaleString("de") === "1"].filter((isSame) => !isSame)`,
  ),
  reaches(
    "errors of the broker belong to the plugin's own realm",
    `async (value, ctx) => {
      const error = await ctx.storage.get("k").catch((each) => each);
      const makers = [error.constructor.constructor, ctx.storage.get.constructor, ctx.constructor.constructor, ctx.signal.constructor.constructor];
      return reached(makers.map((make) => () => (make("return typeof process + typeof require")() === "undefinedundefined" && make("return globalThis")() === globalThis ? undefined : "another realm")));
    }`,
    {
      respond: async () => {
        throw new Error("of the embedding program");
      },
    },
  ),
  reaches(
    "the embedding program's own errors reach a plugin without their words",
    `async (value, ctx) => { const error = await ctx.storage.get("k").catch((each) => each); return [error.message, error.stack, JSON.stringify(error.details ?? null)].filter((text) => /secret of the program/.test(text)); }`,
    {
      respond: async () => {
        throw new Error("secret of the program", { cause: new Error("secret of the program") });
      },
    },
  ),
  reaches(
    "bytes that came from outside are a buffer like any other",
    `({ bytes }) => reached([() => bytes.buffer.constructor === ArrayBuffer ? undefined : "another constructor", () => bytes.buffer.byteLength === 3 ? undefined : "more bytes than were sent",
      () => bytes.constructor === Uint8Array ? undefined : "another realm", () => bytes.buffer.resize(9e8)])`,
    { input: { bytes: new Uint8Array([1, 2, 3]) } },
  ),
  reaches(
    "no syntax of the engine's own works",
    `() => ["%DebugPrint(1)", "%GetOptimizationStatus(reached)", "import.meta", "await 1"].flatMap((source) => reached([() => (0, eval)(source)]))`,
  ),
  reaches(
    "what a plugin pollutes pollutes nobody else",
    `() => { for (const name of ["polluted", "caller", "partition", "code", "level", "then"]) Object.prototype[name] = "by the plugin"; Array.prototype[0] = "by the plugin"; const nothing = []; delete Object.prototype.then; delete Array.prototype[0]; return nothing; }`,
    {
      play: async ({ attacker }) => {
        assert.deepEqual(await attacker.call("attack"), []);
        for (const name of ["polluted", "caller", "partition", "level"])
          assert.equal(Reflect.get({}, name), undefined, name);
      },
    },
  ),
  attack("every built-in broken, then a loop", TAMPER, ["SANDBOX_CPU"], { input: "loop", limits: { cpuMs: 300 } }),
  attack("every built-in broken, then an error", TAMPER, ["SANDBOX_PLUGIN_THREW"], {
    input: "throw",
    limits: { cpuMs: 2_000 },
  }),
];
