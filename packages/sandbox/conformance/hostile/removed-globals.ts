import assert from "node:assert/strict";
import test from "node:test";

import type { EngineDescriptor } from "../../src/engine.ts";
import { openPlugin } from "../open-plugin.ts";

/** What a compartment does not have, whatever way somebody looks. */
const REMOVED = [
  "Atomics",
  "FinalizationRegistry",
  "Intl",
  "SharedArrayBuffer",
  "ShadowRealm",
  "WeakRef",
  "WebAssembly",
]
  .concat([
    "Buffer",
    "XMLHttpRequest",
    "Worker",
    "fetch",
    "gc",
    "global",
    "importScripts",
    "module",
    "process",
    "require",
  ])
  .concat([
    "berthGuest",
    "berthPart",
    "console._stdout",
    "d8",
    "std",
    "os",
    "print",
    "scriptArgs",
    "navigator",
    "self",
    "window",
  ]);

/**
 * Ways of reaching a global object or a native function. Each action answers with what it reached that it should
 * not have: nothing.
 */
const PLUGIN = String.raw`
const REMOVED = ${JSON.stringify(REMOVED)};
const find = (name, scope) => name.split(".").reduce((at, part) => at?.[part], scope);
/** Removed names that a global object has, by own members, inherited ones, and a with statement. */
const withScope = new Function("scope", "name", "with (scope) { try { return eval('typeof ' + name); } catch { return 'undefined'; } }");
const on = (scope, way) => {
  if ((typeof scope !== "object" && typeof scope !== "function") || scope === null) return [];
  return REMOVED.filter((name) => find(name, scope) !== undefined || Reflect.has(scope, name) || withScope(scope, name) !== "undefined").map((name) => way + ": " + name);
};
const attempt = (run) => { try { return run(); } catch { return undefined; } };
/** What functions made by each of these see as their global object and as names. */
const makers = () => {
  const list = { Function, AsyncFunction: (async () => {}).constructor, Generator: (function* () {}).constructor, AsyncGenerator: (async function* () {}).constructor };
  for (const [name, value] of Object.entries({ setTimeout, "console.log": console.log, queueMicrotask, structuredClone, URL, "crypto.digest": crypto.subtle.digest, "getter": Object.getOwnPropertyDescriptor(Map.prototype, "size").get,
    bound: function () {}.bind(), revoke: Proxy.revocable({}, {}).revoke, resolve: (() => { let r; new Promise((x) => (r = x)); return r; })(), Abort: AbortSignal.timeout, Encoder: TextEncoder }))
    list[name] = value.constructor;
  return list;
};
const seenBy = (make, name) => attempt(() => {
  globalThis.seen = "undefined";
  let begun = make("globalThis.seen = typeof " + name)();
  if (typeof begun?.next === "function") begun = begun.next();
  return globalThis.seen;
});
/** The objects that hostile code gets from the library and the engine, and everything that hangs on them. */
const walk = (root, way) => {
  const todo = [[root, way, 0]], seen = new Set(), out = [];
  while (todo.length > 0 && seen.size < 5000) {
    const [value, path, depth] = todo.pop();
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    const tag = attempt(() => Object.prototype.toString.call(value)) ?? "";
    if (/WebAssembly|SharedArrayBuffer|Atomics|Intl|WeakRef|FinalizationRegistry|global|Module|process/.test(tag) && value !== globalThis) out.push(path + ": " + tag);
    if (attempt(() => Reflect.getPrototypeOf(value)) === undefined) out.push(path + ": has no readable prototype");
    if (typeof value === "function" && value.constructor !== Function && !/^(?:Async|Generator)/.test(attempt(() => value.constructor.name) ?? "")) {
      const own = attempt(() => Function.prototype.toString.call(value));
      if (own === undefined) out.push(path + ": is a function of another realm");
    }
    if (depth > 6) continue;
    todo.push([attempt(() => Reflect.getPrototypeOf(value)), path + ".__proto__", depth + 1]);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      for (const part of ["value", "get", "set"]) todo.push([descriptor[part], path + "." + String(key), depth + 1]);
      if (descriptor.get) todo.push([attempt(() => descriptor.get.call(value)), path + "." + String(key) + "()", depth + 1]);
    }
  }
  return out;
};
var berthPlugin = { actions: {
  makers: () => Object.entries(makers()).flatMap(([way, make]) => REMOVED.filter((name) => !["undefined", undefined].includes(seenBy(make, name))).map((name) => way + ": " + name)),
  scopes: () => {
    const sloppy = new Function("return this"), indirect = eval;
    return [["this", sloppy()], ["eval", indirect("this")], ["var", indirect("var planted = 1; this")], ["call", sloppy.call(undefined)], ["apply", sloppy.apply(null)], ["reflect", Reflect.apply(sloppy, undefined, [])],
      ["bind", sloppy.bind(null)()], ["prototype", Object.getPrototypeOf(globalThis)], ["getter", Object.defineProperty({}, "x", { get: sloppy }).x], ["callback", [1].map(sloppy)[0]], ["replace", (() => { let at; "a".replace("a", function () { at = sloppy(); }); return at; })()],
      ["sort", (() => { let at; [2, 1].sort(function () { at = sloppy(); return 0; }); return at; })()], ["toJSON", JSON.parse(JSON.stringify({ toJSON: sloppy })) && sloppy()], ["reviver", JSON.parse("1", sloppy)], ["tag", sloppy${"``"}], ["species", (() => { class A extends Array { static get [Symbol.species]() { return sloppy() && Array; } } new A(1).map((x) => x); return sloppy(); })()],
      ["toPrimitive", (() => { let at; void (1 + { [Symbol.toPrimitive]: function () { at = sloppy(); return 1; } }); return at; })()], ["hasInstance", (() => { let at; ({}) instanceof { [Symbol.hasInstance]: () => (at = sloppy()) }; return at; })()]].flatMap(([way, scope]) => on(scope, way));
  },
  async later() {
    const sloppy = new Function("return this"), found = [];
    const look = (way) => found.push(...on(sloppy(), way));
    await { then(done) { look("thenable"); done(); } };
    await new Promise((wake) => setTimeout(function () { found.push(...on(this, "timer this")); look("timer"); wake(); }, 1));
    await new Promise((wake) => queueMicrotask(function () { found.push(...on(this, "microtask this")); look("microtask"); wake(); }));
    const stop = new AbortController(); stop.signal.addEventListener("abort", function (event) { found.push(...on(this, "listener this"), ...on(event, "event"), ...walk(event, "event")); look("listener"); }); stop.abort();
    await crypto.subtle.digest({ get name() { look("name"); return "SHA-1"; } }, new Uint8Array(1)); new URL({ toString() { look("url"); return "http://x"; } });
    structuredClone({ get x() { look("clone"); return 1; } }); new URLSearchParams({ [Symbol.iterator]: function* () { look("pairs"); } }).forEach(function () {});
    for await (const _ of { [Symbol.asyncIterator]: () => ({ next() { look("for await"); return { done: true }; } }) });
    return found;
  },
  libraryTrees: (value, ctx) => [["ctx", ctx], ["console", console], ["crypto", crypto], ["performance", performance], ["URL", URL], ["params", new URL("http://a?b").searchParams], ["clone", structuredClone], ["signal", AbortSignal.abort()],
    ["any", AbortSignal.any([ctx.signal])], ["timer", setTimeout], ["decoder", TextDecoder], ["input", value], ["bytes", crypto.getRandomValues(new Uint8Array(1))], ["promise", ctx.storage.get("k")], ["digest", crypto.subtle.digest("SHA-1", new Uint8Array(1))], ["eval", eval]].flatMap(([way, root]) => walk(root, way)),
  async answers(value, ctx) {
    const found = [];
    const answer = await ctx.storage.get("k");
    const failure = await ctx.user.storage.get("k").catch((error) => error);
    for (const [way, each] of [["answer", answer], ["failure", failure], ["input", value]]) {
      found.push(...walk(each, way));
      if (each.constructor?.constructor !== Function) found.push(way + ": made by another realm");
      for (const make of [each.constructor.constructor, Object.getPrototypeOf(each).constructor.constructor]) found.push(...REMOVED.filter((name) => seenBy(make, name) !== "undefined").map((name) => way + ": " + name));
    }
    return found;
  },
  stacks() {
    const found = [];
    const look = (error, sites) => { found.push(...walk(error, "error").concat(walk(sites, "sites"))); return "looked"; };
    Error.prepareStackTrace = look;
    for (const run of [() => null.x, () => new URL("no"), () => structuredClone(() => 1), () => crypto.getRandomValues(1), () => atob("!"), () => setTimeout(1), () => { throw new Error("own"); }, () => new Uint8Array(-1), () => [].reduce(), () => JSON.parse("{"), () => (function f() { f(); })()])
      try { run(); } catch (error) { void error.stack; found.push(...walk(error, "thrown")); }
    Error.prepareStackTrace = undefined;
    return found;
  },
  buffers() {
    const grown = [], options = { maxByteLength: 64 };
    const tryAll = (way, make) => attempt(() => {
      const buffer = make();
      for (const method of ["resize", "grow", "transfer", "transferToFixedLength", "transferToImmutable"]) if (typeof buffer[method] === "function") grown.push(way + ": " + method);
      for (const name of ["resizable", "growable", "maxByteLength", "detached", "immutable"]) if (name in buffer) grown.push(way + ": " + name);
      if (Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]") grown.push(way + ": " + Object.prototype.toString.call(buffer));
    });
    for (const [way, maker] of [["global", ArrayBuffer], ["view", new Uint8Array(1).buffer.constructor], ["prototype", ArrayBuffer.prototype.constructor], ["species", ArrayBuffer[Symbol.species]], ["subclass", Object.getPrototypeOf(class extends ArrayBuffer {})],
      ["clone", structuredClone(new ArrayBuffer(1)).constructor], ["encoder", new TextEncoder().encode("x").buffer.constructor]]) {
      tryAll(way, () => new maker(8)); tryAll(way + " sized", () => new maker(8, options)); tryAll(way + " reflect", () => Reflect.construct(maker, [8, options], maker)); tryAll(way + " slice", () => new maker(8).slice(1));
    }
    return grown;
  },
  async digests() { return walk(await crypto.subtle.digest("SHA-256", new Uint8Array(1)), "digest"); },
  async modules() {
    const found = [];
    const importers = [(name) => import(name), new Function("name", "return import(name)"), (0, eval)("(name) => import(name)"), (async () => {}).constructor("name", "return import(name)")];
    for (const name of ["node:fs", "fs", "os", "std", "qjs:os", "bjson", "./plugin.js", "berth:guest", "file:///etc/passwd", "data:text/javascript,export default 1"])
      for (const load of importers) await Promise.resolve().then(() => load(name)).then(() => found.push(name), () => {});
    if (attempt(() => (0, eval)("import.meta")) !== undefined) found.push("import.meta");
    return found;
  },
  realms() {
    const found = [];
    for (const name of ["document", "frames", "parent", "top", "createRealm", "$262", "Realm", "Compartment", "vm", "Isolate", "ivm", "_ivm", "quickjs", "InternalError.prepareStackTrace"]) if (find(name, globalThis) !== undefined) found.push(name);
    const others = [attempt(() => Reflect.construct(Object, [], Proxy)), attempt(() => new Proxy(Function, {})("return this")()), attempt(() => new Proxy(eval, { apply: (target, self, args) => Reflect.apply(target, self, args) })("this"))];
    return found.concat(others.flatMap((other) => on(other, "realm")));
  },
  proxies: (value, ctx) => {
    const found = [];
    const spy = (way) => new Proxy(function () {}, { get: (target, key, receiver) => { found.push(...on(receiver === spy ? undefined : attempt(() => new Function("return this")()), way)); return key === "prototype" ? target.prototype : undefined; }, apply: (target, self) => { found.push(...on(self, way + " this")); }, has: () => false });
    for (const run of [() => ctx.storage.put(spy("key"), spy("value")), () => setTimeout(spy("callback"), 1), () => console.log(spy("line")), () => new URL(spy("url")), () => structuredClone(spy("clone")), () => new TextDecoder().decode(spy("bytes")), () => crypto.getRandomValues(spy("random")),
      () => ctx.log.info(spy("log"), spy("fields")), () => new AbortController().signal.addEventListener("abort", spy("listener")), () => AbortSignal.any([spy("signal")]), () => queueMicrotask(spy("microtask"))]) attempt(run)?.catch?.(() => {});
    return found;
  },
  planted() {
    globalThis.process = {};
    const { actions } = globalThis.berthActions;
    return [actions.makers().length, actions.scopes().length, walk({ x: { get y() { return { [Symbol.toStringTag]: "WebAssembly.Memory" }; } } }, "x").length];
  },
  proxyAnswer: () => new Proxy({ a: 1 }, { get: (target, key) => (key === "then" ? undefined : target[key]), ownKeys: () => ["a", "a"] }),
} };
globalThis.berthActions = berthPlugin;`;

/** Removed globals are out of reach by every way that is known. `skips` maps a sentence to a reason. */
export function removedGlobalsSuite(engine: EngineDescriptor, skips: Readonly<Record<string, string>> = {}): void {
  const finds = (sentence: string, action: string): void =>
    void test(`${engine.name}, hostile: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const { call, supervisor } = openPlugin(engine, PLUGIN, {
        limits: { memoryMiB: 64, cpuMs: 20_000, wallMs: 60_000 },
        onRequest: ({ method, value }) =>
          // Everything that the broker can say: values with bytes, and a refusal.
          method === "storage.get" && !JSON.stringify(value).includes("user")
            ? Promise.resolve({ value: { deep: [{ a: 1 }], bytes: new Uint8Array([1]) } })
            : Promise.reject(new Error("refused")),
      });
      try {
        assert.deepEqual(await call(action, { list: [1, { a: "b" }], bytes: new Uint8Array([1, 2]) }), []);
      } finally {
        supervisor.close();
      }
    });

  finds("functions made of text see no removed global", "makers");
  finds("no way of running a function shows another global object", "scopes");
  finds("nothing that the engine calls later shows another global object", "later");
  finds("nothing that hangs on the library's objects is of the engine", "libraryTrees");
  finds("what comes from outside is of the plugin's realm", "answers");
  finds("no error and no stack of the engine carries an object of it", "stacks");
  finds("no buffer grows, moves or is shared, whoever made it", "buffers");
  finds("a digest is an ordinary buffer", "digests");
  finds("nothing is imported, by no spelling", "modules");
  finds("there is no other realm", "realms");
  finds("the library hands nothing to a proxy", "proxies");

  test(`${engine.name}, hostile: the search for removed globals finds one that is planted`, async () => {
    const { call, supervisor } = openPlugin(engine, PLUGIN, {
      limits: { memoryMiB: 64, cpuMs: 20_000, wallMs: 60_000 },
    });
    try {
      for (const found of (await call("planted")) as number[]) assert.ok(found > 0);
    } finally {
      supervisor.close();
    }
  });

  test(`${engine.name}, hostile: an answer that lies about itself is refused or read as JSON`, async () => {
    const { call, supervisor } = openPlugin(engine, PLUGIN, {
      limits: { memoryMiB: 64, cpuMs: 20_000, wallMs: 60_000 },
    });
    try {
      const answer = await call("proxyAnswer").catch((error: unknown) => error);
      if (answer instanceof Error) assert.match(String((answer as { code?: unknown }).code), /^SANDBOX_/);
      else assert.deepEqual(answer, { a: 1 });
    } finally {
      supervisor.close();
    }
  });
}
