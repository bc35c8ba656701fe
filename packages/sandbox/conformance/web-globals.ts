import assert from "node:assert/strict";
import test from "node:test";

import type { SecurityLevel } from "@berth/spec";

import type { EngineDescriptor } from "../src/engine.ts";
import { openPlugin } from "./open-plugin.ts";

const LIMITS = { memoryMiB: 48, cpuMs: 10_000, wallMs: 30_000 };

/** Name and message of what a piece of code throws; in the plugin and in Node alike. */
const PRELUDE = `
const thrown = (run) => { try { run(); return "nothing"; } catch (error) { return error.name; } };
const rejected = async (run) => { try { await run(); return "nothing"; } catch (error) { return error.name; } };
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
`;

/** Bodies of functions that answer here, in a plugin, as they do in Node. */
const AS_IN_NODE: Readonly<Record<string, string>> = {
  "URL reads, resolves and writes addresses": `
    const parts = (url) => [url.href, url.origin, url.protocol, url.username, url.password, url.host, url.port, url.pathname, url.search, url.hash];
    const list = [["https://user:p%20w@EXAMPLE.org:8080/a/../b%2e/./c?x=1&y=ü#f r"], ["../up?q", "http://a.b/c/d/e"], ["//other/x", "https://a/"],
      ["file:///C|/x/../y"], ["http://0x7f.1/"], ["http://[2001:db8::0:1]/"], ["data:text/plain,a b"], ["http://bücher.example/ß"], ["blob:https://a/b"], ["mailto:a@b"]];
    const url = new URL("http://a/b?c=1#d");
    url.searchParams.append("e", "f g"); url.protocol = "https"; url.port = "444"; url.pathname = "/x y"; url.hash = ""; url.host = "b.c";
    return [list.map((each) => parts(new URL(...each))), parts(url), JSON.stringify({ url }), String(url), URL.canParse("x"), URL.parse("x"), URL.parse("http://x").href,
      ["", "http://", "http://a b/", "http://[1]/", "http://1.2.3.256/", "//x"].map((bad) => thrown(() => new URL(bad))), Object.prototype.toString.call(url)];`,
  "URLSearchParams reads, changes and writes queries": `
    const params = new URLSearchParams("?a=1&b=2&a=3+4&%C3%A9=%ff&=x&y");
    params.append("z", "~*-._ &=+"); params.set("b", "9"); params.delete("y"); params.sort();
    const seen = []; params.forEach((value, name) => seen.push(name + value));
    return [[...params], String(params), params.getAll("a"), params.get("none"), params.has("a", "1"), params.has("a", "2"), params.size, seen,
      String(new URLSearchParams({ a: "b", c: 1 })), String(new URLSearchParams([["k", "v"], ["k", "w"]])), String(new URLSearchParams(new Map([["m", "n"]]))),
      [...params.keys()], [...params.values()], thrown(() => new URLSearchParams([["only"]]))];`,
  "atob and btoa": `
    return [btoa("héllo"), btoa(""), btoa("a"), btoa("ab"), atob("aGk="), atob(" a G k "), atob("aGk"), atob(btoa("\\u0000\\u00ff".repeat(5000))).length,
      thrown(() => btoa("\\u0100")), thrown(() => atob("a")), thrown(() => atob("a=b=")), thrown(() => atob("=")), thrown(() => atob("aG-_"))];`,
  "structuredClone of values, cycles and shared parts": `
    const shared = new Uint8Array([1, 2, 3, 4]);
    const value = { a: [1, , "x", null, undefined, -0, 10n], d: new Date(5), m: new Map([[{ k: 1 }, new Set([1])]]), r: /a+/gi, v: shared.subarray(1, 3), w: new DataView(shared.buffer, 2),
      e: Object.assign(new RangeError("no", { cause: { deep: 1 } }), { extra: 1 }), o: Object("text"), b: new Boolean(false), n: Object.create({ inherited: 1 }), f: new Float64Array([0.5]) };
    value.self = value; value.again = value.a;
    const c = structuredClone(value);
    return [c.self === c, c.again === c.a, c !== value, 1 in c.a, c.a.length, Object.is(c.a[5], -0), String(c.a[6]), c.d.getTime(), [...c.m][0][0].k, [...[...c.m][0][1]], String(c.r), c.r.lastIndex, [...c.v],
      c.v.buffer === c.w.buffer, c.w.byteOffset, c.e instanceof RangeError, c.e.name, c.e.message, c.e.cause.deep, "extra" in c.e, typeof c.o, c.b instanceof Boolean, "inherited" in c.n, [...c.f],
      structuredClone("text"), structuredClone(null), structuredClone(undefined) === undefined, structuredClone(new Map()).size];`,
  "structuredClone refuses what has no copy": `
    return [() => 1, Symbol("s"), new WeakMap(), Promise.resolve(), { deep: [() => 1] }].map((value) => thrown(() => structuredClone(value))).concat(thrown(() => structuredClone()));`,
  "crypto.subtle.digest": `
    const text = new TextEncoder().encode("abc");
    const names = ["SHA-1", "sha-256", { name: "SHA-384" }, "SHA-512"];
    return [await Promise.all(names.map((name) => crypto.subtle.digest(name, text).then(hex))), hex(await crypto.subtle.digest("SHA-256", new ArrayBuffer(0))),
      hex(await crypto.subtle.digest("SHA-512", new Uint8Array(100000).fill(7).subarray(1))), hex(await crypto.subtle.digest("SHA-1", new DataView(text.buffer, 1))),
      await rejected(() => crypto.subtle.digest("MD5", text)), await rejected(() => crypto.subtle.digest("toString", text)), await rejected(() => crypto.subtle.digest("SHA-1", "text"))];`,
  "crypto.getRandomValues refuses what it cannot fill": `
    return [new Uint8Array(65537), new Uint32Array(16385), new Float64Array(1), [1], new DataView(new ArrayBuffer(1)), null].map((value) => thrown(() => crypto.getRandomValues(value)))
      .concat(crypto.getRandomValues(new Uint8Array(0)).length, crypto.getRandomValues(new BigUint64Array(8192)).length);`,
  "AbortSignal.abort, any and timeout": `
    const signal = AbortSignal.abort(), own = AbortSignal.abort("why"), controller = new AbortController();
    const both = AbortSignal.any([controller.signal, new AbortController().signal]), seen = [];
    both.addEventListener("abort", (event) => seen.push(event.type, event.target === both)); both.addEventListener("abort", { handleEvent: () => seen.push("object") });
    both.onabort = () => seen.push("on"); const gone = () => seen.push("gone"); both.addEventListener("abort", gone); both.removeEventListener("abort", gone);
    controller.abort(new RangeError("r")); controller.abort("again");
    const late = AbortSignal.timeout(5); await new Promise((wake) => late.addEventListener("abort", wake, { once: true }));
    return [signal.aborted, signal.reason.name, own.reason, thrown(() => signal.throwIfAborted()), both.aborted, both.reason.message, seen.sort(), late.reason.name,
      AbortSignal.any([]).aborted, AbortSignal.any([own]).reason, thrown(() => new AbortSignal()), thrown(() => AbortSignal.any([{}]))];`,
  "queueMicrotask runs before timers, in order": `
    const seen = []; await new Promise((wake) => { setTimeout(wake, 1); queueMicrotask(() => seen.push(1)); Promise.resolve().then(() => seen.push(2)); queueMicrotask(() => seen.push(3)); seen.push(0); });
    return [seen, thrown(() => queueMicrotask(1))];`,
  "TextDecoder reads text in parts": `
    const decoder = new TextDecoder(), bytes = new TextEncoder().encode("\\ufeffa€👋z"), parts = [];
    for (const byte of bytes) parts.push(decoder.decode(new Uint8Array([byte]), { stream: true }));
    parts.push(decoder.decode()); const cut = decoder.decode(bytes.subarray(0, 5), { stream: true }) + "|" + decoder.decode();
    return [parts.join(""), cut, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).length, new TextDecoder("UTF8").encoding,
      thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, 5))), new TextDecoder().fatal];`,
  "local time is UTC": `
    const date = new Date(2024, 5, 1, 12, 30);
    return [date.toISOString(), date.getTimezoneOffset(), new Date("2024-01-02T03:04").getTime(), date.getHours(), date.toDateString(), date.toUTCString()];`,
};

/** The oracle runs in UTC too: the expectation is made of the same text. */
const inUtc = async (body: string): Promise<unknown> => {
  const zone = process.env["TZ"];
  process.env["TZ"] = "UTC";
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- the same text runs in the plugin
    return await (new Function(`${PRELUDE} return (async () => { ${body} })();`)() as Promise<unknown>);
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
};

const PLUGIN = `${PRELUDE}
const atLoad = [thrown(() => crypto.getRandomValues(new Uint8Array(1))), thrown(() => crypto.randomUUID()), performance.now()];
var berthPlugin = { actions: {
  ${Object.entries(AS_IN_NODE)
    .map(([name, body]) => `${JSON.stringify(name)}: async () => { ${body} },`)
    .join("\n  ")}
  atLoad: () => atLoad,
  random: () => [hex(crypto.getRandomValues(new Uint8Array(32))), crypto.randomUUID(), hex(crypto.getRandomValues(new Uint32Array(4)).buffer)],
  most: () => { const bytes = crypto.getRandomValues(new Uint8Array(65536)); const counts = new Array(256).fill(0); for (const byte of bytes) counts[byte] += 1; return Math.min(...counts); },
  elapsed: async () => { const start = performance.now(); await new Promise((wake) => setTimeout(wake, 20)); const end = performance.now(); return [start >= 0, end > start, Number.isInteger(start), end >= performance.now() - 1000]; },
  deep: () => {
    let deep = {}; const top = deep; for (let i = 0; i < 20000; i++) deep = deep.next = {};
    let levels = 0; for (let at = structuredClone(top); at !== undefined; at = at.next) levels += 1;
    return levels;
  },
  transfer: () => { const { buffer } = new Uint8Array(1); return thrown(() => structuredClone(buffer, { transfer: [buffer] })); },
  words: () => [new Date(0).toString(), new Date(0).toTimeString(), new Date(NaN).toLocaleString(), new Date(NaN).toLocaleDateString("de"), new Date(NaN).toLocaleTimeString(), String(new Date(NaN)),
    (1234.5).toLocaleString("de-DE", { style: "currency", currency: "EUR" }), new Date(0).toLocaleDateString("ar", { timeZone: "Asia/Tokyo", weekday: "long" }), ["b", "a", "C"].sort((a, b) => a.localeCompare(b, "sv")).join(""), "I".toLocaleLowerCase("tr")].concat([1.5, 2].toLocaleString("de")),
} };`;

/** Web globals do what they do in Node, at every engine. `skips` maps a sentence to a reason. */
export function webGlobalsSuite(
  engine: EngineDescriptor,
  skips: Readonly<Record<string, string>> = {},
  level?: SecurityLevel,
): void {
  const subject = level === undefined ? engine.name : `${engine.name} at ${level}`;
  const it = (sentence: string, run: (call: (action: string) => Promise<unknown>) => Promise<void>): void =>
    void test(`${subject}: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const { call, supervisor } = openPlugin(engine, PLUGIN, {
        limits: LIMITS,
        ...(level !== undefined && { level }),
      });
      try {
        await run(call);
      } finally {
        supervisor.close();
      }
    });

  for (const [sentence, body] of Object.entries(AS_IN_NODE))
    it(sentence, async (call) => assert.deepEqual(await call(sentence), JSON.parse(JSON.stringify(await inUtc(body)))));

  it("crypto draws other bytes in every call, and none while loading", async (call) => {
    assert.deepEqual(await call("atLoad"), ["Error", "Error", 0]);
    const drawn: string[] = [];
    for (let count = 0; count < 5; count += 1) drawn.push(...((await call("random")) as string[]));
    assert.equal(new Set(drawn).size, drawn.length);
    assert.match(drawn[1] ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // 65,536 bytes hold each value about 256 times; none at all of one has a chance of e^-256.
    assert.ok(((await call("most")) as number) > 0);
  });

  it("performance.now counts whole milliseconds, forwards", async (call) => {
    assert.deepEqual(await call("elapsed"), [true, true, true, true]);
  });

  it("structuredClone copies 20,000 levels", async (call) => {
    assert.equal(await call("deep"), 20_001);
  });

  it("nothing can be transferred", async (call) => {
    assert.equal(await call("transfer"), "DataCloneError");
  });

  it("dates, numbers and words have one form, whatever locale is asked for", async (call) => {
    assert.deepEqual(await call("words"), [
      "Thu Jan 01 1970 00:00:00 GMT+0000",
      "00:00:00 GMT+0000",
      "Invalid Date",
      "Invalid Date",
      "Invalid Date",
      "Invalid Date",
      "1234.5",
      "1970-01-01",
      "Cab",
      "i",
      "1.5,2",
    ]);
  });
}
