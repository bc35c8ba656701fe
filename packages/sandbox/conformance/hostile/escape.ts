import assert from "node:assert/strict";
import test from "node:test";

import type { EngineDescriptor } from "../../src/engine.ts";
import { openPlugin } from "../open-plugin.ts";

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
  "process",
  "require",
];

/** Attempts to reach what a compartment does not have. Each action answers with what it reached: nothing. */
const PLUGIN = String.raw`
const sitesOf = () => {
  Error.stackTraceLimit = 100;
  Error.prepareStackTrace = (error, sites) => sites;
  const sites = new Error("x").stack;
  delete Error.prepareStackTrace;
  return Array.isArray(sites) ? sites : [];
};
const reached = (attempts) => attempts.flatMap((attempt) => {
  try { const found = attempt(); return found === undefined ? [] : [String(found)]; } catch { return []; }
});
var berthPlugin = { actions: {
  echo: (value) => value,
  constructors(names) {
    const makers = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor,
      class { static {} }.constructor, setTimeout.constructor, console.log.constructor, Proxy.revocable({}, {}).revoke.constructor];
    // A generator says it through a side effect, because its value is wrapped.
    return names.filter((name) => [...new Set(makers)].some((make) => {
      globalThis.seen = "undefined";
      const begun = make("globalThis.seen = typeof " + name)();
      begun?.next?.();
      return globalThis.seen !== "undefined";
    }) || (0, eval)("typeof " + name) !== "undefined" || new Function("with (globalThis) return typeof " + name)() !== "undefined");
  },
  librarySites: () => sitesOf().filter((site) => site.getFileName() !== "plugin.js").flatMap((site) =>
    reached([() => site.getFunction(), () => { const value = site.getThis(); return value === globalThis ? undefined : value; }])),
  caller: function caller() { return reached([() => caller.caller ?? undefined, () => caller.arguments.callee.caller ?? undefined]); },
  resizable: () => {
    const options = { maxByteLength: 64 };
    let reads = 0;
    const shy = { get maxByteLength() { reads += 1; return reads > 1 ? 64 : undefined; } };
    const makes = [() => new ArrayBuffer(8, options), () => Reflect.construct(ArrayBuffer, [8, options], Object),
      () => new (class extends ArrayBuffer {})(8, options), () => new ArrayBuffer(8, new Proxy({}, { get: () => 64 })),
      () => new ArrayBuffer(8, Object.assign(() => {}, options)), () => new ArrayBuffer(8, shy),
      () => new (new Uint8Array(8).buffer.constructor)(8, options), () => new (Object.getPrototypeOf(Object.assign(class extends ArrayBuffer {}, {})))(8, options)];
    const isResizable = (buffer) => { const view = new Uint8Array(buffer); try { buffer.resize(16); } catch {} return view.length !== 8; };
    return makes.flatMap((make, index) => { try { return isResizable(make()) ? [index] : []; } catch { return []; } });
  },
  async modules() { const found = []; for (const name of ["node:fs", "fs", "./plugin.js", "data:text/javascript,1"]) await import(name).then(() => found.push(name), () => {}); return found; },
  forgedSignals: (value, ctx) => reached([
    () => { ctx.constructor.cancel(ctx); return ctx.signal.aborted ? "context" : undefined; },
    () => { AbortSignal.abort(ctx.signal, 1); return ctx.signal.aborted ? "signal" : undefined; },
  ]),
  engineErrors(value, ctx) {
    const stacks = [];
    const note = (error) => stacks.push(String(error) + String(error?.stack));
    const deep = () => { try { deep(); } catch (error) { note(error); } };
    deep();
    for (const attempt of [() => console.log({ get a() { throw new Error("x"); } }), () => ctx.storage.put("k", () => 1), () => setTimeout(1), () => new Uint8Array(-1)])
      try { attempt(); } catch (error) { note(error); }
    return stacks.filter((stack) => /file:|node:|\.mjs|\.ts\b|isolated|\/[a-z]+\//.test(stack));
  },
  locale: () => [new Date(0).toLocaleString("de", { timeZone: "Asia/Tokyo" }) === "1970-01-01T00:00:00.000Z", (1234.5).toLocaleString("de") === "1234.5",
    [1.5].toLocaleString("de") === "1.5", new Float32Array([1.5]).toLocaleString("de") === "1.5", 1n.toLocaleString("de") === "1"].filter((isSame) => !isSame),
  tamper(how) {
    const evil = function () { return this; };
    const holders = [Map.prototype, Set.prototype, Promise.prototype, Array.prototype, String.prototype, Function.prototype, JSON, Reflect, Object];
    const members = holders.map((holder) => Object.getOwnPropertyNames(holder).filter((name) => name !== "constructor"));
    for (let h = 0; h < holders.length; h++) for (let m = 0; m < members[h].length; m++) try { holders[h][members[h][m]] = evil; } catch {}
    globalThis.Promise = globalThis.Map = globalThis.String = undefined;
    if (how === "throw") throw new RangeError("tampered");
    for (;;);
  },
} };`;

/** `skips` maps a sentence to a reason. */
export function escapeSuite(engine: EngineDescriptor, skips: Readonly<Record<string, string>> = {}): void {
  const reaches = (sentence: string, action: string, input: unknown = null): void =>
    void test(`${engine.name}, hostile: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const { call, supervisor } = openPlugin(engine, PLUGIN, {
        limits: { memoryMiB: 48, cpuMs: 2_000, wallMs: 30_000 },
      });
      try {
        assert.deepEqual(await call(action, input), []);
      } finally {
        supervisor.close();
      }
    });

  reaches("no constructor of functions reaches a removed global", "constructors", REMOVED);
  reaches("call sites of an error show no function and no object of the library", "librarySites");
  reaches("a function does not learn who called it", "caller");
  reaches("no way of making a buffer makes a resizable one", "resizable");
  reaches("no module can be imported", "modules");
  reaches("a plugin cannot cancel its own call", "forgedSignals");
  reaches("errors of the engine tell nothing of the machine", "engineErrors");

  reaches("no locale and no time zone of the machine shows", "locale");

  test(`${engine.name}, hostile: a plugin that breaks every built-in breaks only itself`, async () => {
    const limits = { memoryMiB: 48, cpuMs: 300, wallMs: 30_000 };
    const evil = openPlugin(engine, PLUGIN, { limits });
    const neighbour = openPlugin(engine, PLUGIN, { limits, supervisor: evil.supervisor });
    try {
      assert.equal(await neighbour.call("echo", 1), 1);
      await assert.rejects(evil.call("tamper", "loop"), { code: "SANDBOX_CPU" });
      assert.equal(await neighbour.call("echo", 2), 2);
      assert.equal(await evil.call("echo", "afresh"), "afresh");
      await assert.rejects(evil.call("tamper", "throw"), { code: "SANDBOX_PLUGIN_THREW" });
    } finally {
      evil.supervisor.close();
    }
  });
}
