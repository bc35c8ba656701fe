import assert from "node:assert/strict";
import test from "node:test";

import type { Limits, SecurityLevel } from "@berth/spec";
import { encodeValue, decodeValue } from "@berth/wire";

import type { BrokerRequest } from "../src/compartment-plan.ts";
import { SandboxError } from "../src/errors.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { Supervisor } from "../src/node-supervisor.ts";
import type { Progress } from "../src/progress.ts";
import { openPlugin } from "./open-plugin.ts";
import type { OpenPlugin } from "./open-plugin.ts";
import { streamSuite } from "./streams.ts";
import { rejectionSuite } from "./rejections.ts";
import { webGlobalsSuite } from "./web-globals.ts";

/** The plugin that every engine must run alike. */
const PLUGIN = `var berthPlugin = { actions: {
  echo: (value) => value,
  nothing: () => undefined,
  async later(value) { await new Promise((wake) => setTimeout(wake, 15)); return value; },
  async ask(value, ctx) { await ctx.storage.put("k", value); return ctx.storage.get("k"); },
  async denied(value, ctx) { try { await ctx.user.storage.get("x"); return "allowed"; } catch (error) { return [error.code, error.message]; } },
  throws() { throw new RangeError("of the plugin's own"); },
  rejects: async () => { throw new TypeError("later"); },
  throwsText() { throw "just words"; },
  throwsTrap() { throw { get message() { throw 1; } }; },
  bad: () => ({ f() {} }),
  nan: () => NaN,
  big: (size) => "y".repeat(size),
  logs(value, ctx) { console.log("hello", { a: 1 }); ctx.log.warn("careful", { b: 2 }); return null; },
  text: () => new TextDecoder().decode(new TextEncoder().encode("grüße 👋")),
  globals: () => Object.getOwnPropertyNames(globalThis).sort(),
  loop() { for (;;); },
  never: () => new Promise(() => {}),
  waitForAbort: (value, ctx) => new Promise((resolve, reject) => ctx.signal.addEventListener("abort", () => reject(new Error("aborted")))),
  counts(steps, ctx) { for (let done = 1; done <= steps; done++) ctx.progress({ done, total: steps, message: "step " + done }); return steps; },
  tellsAndLoops(value, ctx) { ctx.progress({ message: "before the loop" }); for (;;); },
  noReport(value, { progress }) { return [null, "x", { done: -1 }, { total: NaN }, { done: "1" }, { message: 1 }].map((each) => { try { progress(each); return "passed"; } catch (error) { return error.name; } }); },
  manyWords(value, ctx) { ctx.progress({ done: 0.5, extra: "x".repeat(1e6), message: "\u202e" + "w".repeat(1e6) }); return null; },
  spin(rounds) { let sum = 0; for (let i = 0; i < rounds; i++) sum = (sum + i * i) % 1000003; return sum; },
} };`;

/** For loops: on a busy machine it takes long to use up little CPU time, and the wall time must not come first. */
const UNHURRIED: Limits = { memoryMiB: 48, cpuMs: 300, wallMs: 20_000 };

const REMOVED = [
  "WebAssembly",
  "SharedArrayBuffer",
  "Atomics",
  "Intl",
  "WeakRef",
  "FinalizationRegistry",
  "process",
  "require",
  "fetch",
];

function open(
  engine: EngineDescriptor,
  level: SecurityLevel | undefined,
  limits: Limits = { memoryMiB: 48, cpuMs: 300, wallMs: 1_000 },
): OpenPlugin {
  const stored = new Map<string, unknown>();
  const onRequest = async ({ method, value }: BrokerRequest): Promise<unknown> => {
    const request = decodeValue(value) as { area: string; key: string; value?: unknown };
    if (request.area === "user") throw new SandboxError("SANDBOX_CLOSED", "no user here");
    if (method === "storage.put") return stored.set(request.key, request.value) && null;
    return { value: stored.get(request.key) };
  };
  return openPlugin(engine, PLUGIN, { limits, onRequest, ...(level !== undefined && { level }) });
}

/** Behaviour that every engine owes: values, waiting, the broker, errors, limits, the globals of the web. `skips` maps a sentence to a reason. */
export function behaviourSuite(
  engine: EngineDescriptor,
  skips: Readonly<Record<string, string>> = {},
  level?: SecurityLevel,
): void {
  const subject = level === undefined ? engine.name : `${engine.name} at ${level}`;
  const it = (sentence: string, run: (bench: OpenPlugin) => Promise<void>, limits?: Limits): void =>
    void test(`${subject}: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const bench = open(engine, level, limits);
      try {
        await run(bench);
      } finally {
        bench.supervisor.close();
      }
    });

  /** Fails as told, and afterwards answers other calls. */
  const survives = (sentence: string, action: string, codes: readonly string[], limits?: Limits): void =>
    it(
      sentence,
      async ({ call }) => {
        await assert.rejects(
          call(action),
          (error: unknown) => error instanceof SandboxError && codes.includes(error.code),
        );
        assert.equal(await call("echo", "still here"), "still here");
      },
      limits,
    );

  it("gives values back as they came", async ({ call }) => {
    for (const value of [null, true, -1.5, "grüße 👋 \u0000", [], {}, { a: [{ b: null }], $bytes: 1, __proto__x: 2 }])
      assert.deepEqual(await call("echo", value), value);
    assert.deepEqual(await call("echo", -0), 0);
    assert.deepEqual(await call("echo", { a: new Uint8Array([1, 2, 255]) }), { a: new Uint8Array([1, 2, 255]) });
    assert.equal(await call("nothing"), null);
  });

  it(
    "carries strings of 20 MB both ways",
    async ({ call }) => {
      const text = "x".repeat(20_000_000);
      assert.equal(await call("echo", text), text);
    },
    { memoryMiB: 256, cpuMs: 20_000, wallMs: 30_000 },
  );

  it("waits for promises and timers", async ({ call }) => {
    assert.deepEqual(await Promise.all([call("later", 1), call("later", 2), call("echo", 3)]), [1, 2, 3]);
  });

  it("asks the broker and gets answers and refusals", async ({ call }) => {
    assert.deepEqual(await call("ask", { deep: [new Uint8Array([9])] }), { deep: [new Uint8Array([9])] });
    assert.deepEqual(await call("denied"), ["SANDBOX_CLOSED", "no user here"]);
  });

  for (const [action, name, words] of [
    ["throws", "RangeError", "of the plugin's own"],
    ["rejects", "TypeError", "later"],
    ["throwsText", "Error", "just words"],
    ["throwsTrap", "Error", "The plugin threw a value that cannot be read"],
  ] as const) {
    it(`tells what ${action} threw`, async ({ call }) => {
      await assert.rejects(call(action), (error: unknown) => {
        assert.ok(error instanceof SandboxError);
        assert.equal(error.code, "SANDBOX_PLUGIN_THREW");
        const failure = error.details?.["plugin"] as { name: string; message: string };
        assert.deepEqual([failure.name, failure.message], [name, words]);
        return true;
      });
    });
  }

  it("gives stacks that name the bundle's line", async ({ call }) => {
    await assert.rejects(call("throws"), (error: unknown) =>
      /plugin\.js:7:/.test(JSON.stringify((error as SandboxError).details)),
    );
  });

  it("refuses answers that are not JSON at the sender", async ({ call }) => {
    await assert.rejects(call("bad"), /only JSON values and Uint8Array cross/);
    await assert.rejects(call("nan"), /NaN/);
  });

  it("turns console and log into lines", async ({ call, lines }) => {
    await call("logs");
    assert.deepEqual(
      lines.map(({ level, text }) => [level, text]),
      [
        ["info", "hello {a: 1}"],
        ["warn", "careful {b: 2}"],
      ],
    );
  });

  it("has TextEncoder and TextDecoder", async ({ call }) => {
    assert.equal(await call("text"), "grüße 👋");
  });

  it("leaves no global beyond the list, and none of the removed ones", async ({ call }) => {
    const globals = (await call("globals")) as string[];
    for (const name of REMOVED) assert.ok(!globals.includes(name), name);
    assert.ok(globals.includes("setTimeout"));
  });

  it(
    "tells the CPU time of each call",
    async ({ call, usages }) => {
      await call("later", 1);
      await call("spin", 400_000);
      await assert.rejects(call("throws"));
      assert.equal(usages.length, 3);
      for (const { cpuMs } of usages) assert.ok(cpuMs >= 0, String(cpuMs));
      assert.ok((usages[1]?.cpuMs ?? 0) > 0);
    },
    { memoryMiB: 48, cpuMs: 20_000, wallMs: 30_000 },
  );

  it("cancels a call that waits, and tells the plugin", async ({ call }) => {
    const stop = new AbortController();
    const waiting = call("waitForAbort", null, stop.signal);
    setTimeout(() => stop.abort(), 30);
    await assert.rejects(waiting, { code: "SANDBOX_CANCELLED" });
    assert.equal(await call("echo", 1), 1);
  });

  it(
    "tells how far a call has come: the first report, and the last one before the answer",
    async ({ call }) => {
      const heard: Progress[] = [];
      const steps = await call("counts", 20_000, undefined, { onProgress: (progress) => heard.push(progress) });
      assert.equal(steps, 20_000);
      assert.deepEqual(heard.at(0), { done: 1, total: 20_000, message: "step 1" });
      assert.deepEqual(heard.at(-1), { done: 20_000, total: 20_000, message: "step 20000" });
      assert.ok(heard.length < 1_000, `${heard.length} reports`);
      assert.equal(await call("counts", 3), 3);
    },
    { memoryMiB: 48, cpuMs: 20_000, wallMs: 30_000 },
  );

  it(
    "hears a report while the plugin goes on without returning",
    async ({ call }) => {
      const heard: Progress[] = [];
      const loop = call("tellsAndLoops", null, undefined, { onProgress: (progress) => heard.push(progress) });
      await assert.rejects(loop, { code: "SANDBOX_CPU" });
      assert.deepEqual(heard, [{ message: "before the loop" }]);
      assert.equal(await call("echo", "still here"), "still here");
    },
    UNHURRIED,
  );

  it("refuses what is no report of progress, and cuts what is too long", async ({ call }) => {
    const heard: Progress[] = [];
    const more = { onProgress: (progress: Progress) => heard.push(progress) };
    assert.deepEqual(
      await call("noReport", null, undefined, more),
      Array.from({ length: 6 }, () => "TypeError"),
    );
    assert.equal(heard.length, 0);
    await call("manyWords", null, undefined, more);
    const [first, ...others] = heard;
    assert.deepEqual([first?.done, others.length], [0.5, 0]);
    const message = first?.message ?? "";
    assert.notEqual(message, "");
    assert.ok(message.length <= 200 && !message.includes("\u202e"), message.slice(0, 20));
  });

  survives("ends an endless loop and goes on", "loop", ["SANDBOX_CPU"], UNHURRIED);
  survives("ends a call that never answers and goes on", "never", ["SANDBOX_DEADLINE"]);

  webGlobalsSuite(engine, skips, level);
  rejectionSuite(engine, skips, level);
  streamSuite(engine, skips, level);

  test(`${subject}: refuses code that fails while it is loaded`, async () => {
    for (const code of ["throw new Error('at load')", "for (;;);", "not javascript(", "x".repeat(10)]) {
      const supervisor = new Supervisor();
      const compartment = supervisor.open({
        plugin: "plugin",
        packKey: "load",
        engine,
        level: level ?? engine.levels[0] ?? "standard",
        code: new TextEncoder().encode(code),
        sourceName: "p.js",
        limits: { memoryMiB: 32, cpuMs: 200, wallMs: 2_000 },
        onRequest: async () => null,
        onLog: () => undefined,
      });
      await assert.rejects(
        compartment.call({ action: "x", input: encodeValue(null), caller: undefined, about: "{}" }),
        { code: "SANDBOX_LOAD_FAILED" },
      );
      supervisor.close();
    }
  });
}
