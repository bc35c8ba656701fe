// What every engine does for every plugin, whatever it is written in. The same actions, in the engine's language,
// are called through a supervisor at every level that the engine serves.
import assert from "node:assert/strict";
import test from "node:test";

import type { SecurityLevel } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { LogLine } from "../src/compartment-plan.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { SandboxError } from "../src/errors.ts";
import type { PluginFailure } from "../src/plugin-failure.ts";
import { Supervisor } from "../src/node-supervisor.ts";
import { machineWalls } from "../src/walls/node-machine-walls.ts";

/** The actions in JavaScript. `engines/wasm/test/fixtures/extism-kit.as.ts` has the same. */
export const CONTRACT_JAVASCRIPT = `let calls = 0;
var berthPlugin = { actions: {
  echo: (value) => value,
  count: () => [(calls += 1), calls],
  async readsConfig(_, ctx) { return (await ctx.config.get()).key ?? null; },
  logs(_, { log }) { for (const level of ["debug", "info", "warn", "error"]) log[level](level + " line"); return null; },
  fails() { throw new Error("no rows in the input"); },
  loops() { for (;;); },
  recurses() { const deeper = (n) => deeper(n + 1) + 1; return deeper(1); },
  fillsMemory() { const kept = []; for (;;) kept.push(new Uint8Array(1_048_576).fill(1)); },
} };`;

export interface ContractBundle {
  readonly code: Uint8Array;
  readonly sourceName: string;
}

interface Opened {
  readonly supervisor: Supervisor;
  readonly lines: LogLine[];
  call(action: string, input?: unknown, signal?: AbortSignal, cpuMs?: number): Promise<unknown>;
}

/** How the broker of these tests answers `ctx.config.get()`. */
type Answer = () => Promise<unknown>;

function open(
  engine: EngineDescriptor,
  level: SecurityLevel,
  { code, sourceName }: ContractBundle,
  answer: Answer = async () => ({ value: { key: "set" } }),
  cpuMs = 300,
): Opened {
  const supervisor = new Supervisor();
  const lines: LogLine[] = [];
  const compartment = supervisor.open({
    plugin: "contract",
    packKey: "contract",
    engine,
    level,
    code,
    sourceName,
    limits: { memoryMiB: 32, cpuMs, wallMs: 30_000 },
    onRequest: answer,
    onLog: (line) => lines.push(line),
  });
  const call: Opened["call"] = async (action, input = null, signal, ofAction) => {
    const sent = { action, input: encodeValue(input), caller: undefined, about: "{}", signal, cpuMs: ofAction };
    return decodeValue(await compartment.call(sent));
  };
  return { supervisor, lines, call };
}

/** What the plugin itself said of its failure. */
function wordsOf({ details = {} }: SandboxError): PluginFailure {
  return details["plugin"] as PluginFailure;
}

const VALUES = [null, true, -1.5, "grüße 👋 \0 \ud83d", [], [[1], {}], { a: { "": ["x".repeat(10_000)] }, __proto: 1 }];

/** Registers the suite for one engine, at each of its levels. */
export async function contractSuite(engine: EngineDescriptor, bundle: ContractBundle): Promise<void> {
  const { full } = await machineWalls(engine);
  for (const level of engine.levels) {
    const skip = level === "isolated" && full.kind === "missing" && full.missing.why;
    const isFresh = engine.isFresh === true;
    const it = (sentence: string, body: (opened: Opened) => Promise<void>, answer?: Answer): void => {
      void test(`${engine.name} at ${level}: ${sentence}`, { skip }, async () => {
        const opened = open(engine, level, bundle, answer);
        try {
          await body(opened);
        } finally {
          opened.supervisor.close();
        }
      });
    };

    it("gives values and bytes back as they were", async ({ call }) => {
      for (const value of VALUES) assert.deepEqual(await call("echo", value), value);
      const bytes = new Uint8Array(2_000_000).map((_, index) => index);
      assert.deepEqual(await call("echo", bytes), bytes);
    });

    it(isFresh ? "begins every call with fresh state" : "may keep its state from call to call", async ({ call }) => {
      const counts: unknown[] = [];
      for (let n = 0; n < 3; n += 1) counts.push(await call("count"));
      const expected = isFresh ? [1, 1, 1] : [1, 2, 3];
      assert.deepEqual(
        counts,
        expected.map((n) => [n, n]),
      );
    });

    it("answers many calls at once", async ({ call }) => {
      const inputs = Array.from({ length: 64 }, (_, n) => n);
      assert.deepEqual(await Promise.all(inputs.map((n) => call("echo", n))), inputs);
      assert.deepEqual(new Set(await Promise.all(inputs.map(() => call("readsConfig")))), new Set(["set"]));
    });

    it("writes lines of four levels", async ({ call, lines }) => {
      await call("logs");
      assert.deepEqual(
        lines.map(({ level: of, text, action }) => `${action} ${of}: ${text}`),
        ["debug", "info", "warn", "error"].map((of) => `logs ${of}: ${of} line`),
      );
    });

    it("tells in the plugin's words that it failed, and goes on", async ({ call }) => {
      await assert.rejects(call("fails"), (error: SandboxError) => {
        const { message } = wordsOf(error);
        assert.deepEqual([error.code, message], ["SANDBOX_PLUGIN_THREW", "no rows in the input"]);
        return true;
      });
      await assert.rejects(call("recurses"), { code: "SANDBOX_PLUGIN_THREW" });
      await assert.rejects(call("missing"), { code: "SANDBOX_PLUGIN_THREW" });
      assert.equal(await call("echo", "on"), "on");
    });

    it(
      "hands the broker's refusal on to the call that asked",
      async ({ call }) => {
        await assert.rejects(call("readsConfig"), (error: SandboxError) => {
          const { code } = wordsOf(error);
          assert.deepEqual([error.code, code], ["SANDBOX_PLUGIN_THREW", "SANDBOX_CLOSED"]);
          return true;
        });
        assert.equal(await call("echo", "on"), "on");
      },
      () => Promise.reject(new SandboxError("SANDBOX_CLOSED", "refused by the test")),
    );

    it("ends what computes too long, and goes on", async ({ call }) => {
      await assert.rejects(call("loops"), { code: "SANDBOX_CPU" });
      assert.equal(await call("echo", "on"), "on");
    });

    it("ends what computes longer than its action may, and goes on", async () => {
      const patient = open(engine, level, bundle, undefined, 60_000);
      try {
        await assert.rejects(patient.call("loops", null, undefined, 200), { code: "SANDBOX_CPU" });
        assert.equal(await patient.call("echo", "on"), "on");
      } finally {
        patient.supervisor.close();
      }
    });

    it("holds the memory limit, and goes on", async ({ call }) => {
      await assert.rejects(call("fillsMemory"), (error: SandboxError) =>
        ["SANDBOX_MEMORY", "SANDBOX_PLUGIN_THREW", "SANDBOX_CRASHED"].includes(error.code),
      );
      assert.equal(await call("echo", "on"), "on");
    });

    it(
      "lets a caller leave while the plugin waits for the broker",
      async ({ call }) => {
        const controller = new AbortController();
        const left = call("readsConfig", null, controller.signal);
        setTimeout(() => controller.abort(), 100);
        await assert.rejects(left, { code: "SANDBOX_CANCELLED" });
        assert.equal(await call("echo", "on"), "on");
      },
      () => new Promise(() => undefined),
    );

    it("refuses what is no plugin", async () => {
      const broken = open(engine, level, { code: Buffer.from("\0no plugin ("), sourceName: bundle.sourceName });
      try {
        await assert.rejects(broken.call("echo", 1), { code: "SANDBOX_LOAD_FAILED" });
      } finally {
        broken.supervisor.close();
      }
    });
  }
}
