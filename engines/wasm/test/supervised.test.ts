import assert from "node:assert/strict";
import test from "node:test";

import { wasm, wasmFresh } from "@berth/engine-wasm";
import { SandboxError, Supervisor, machineWalls } from "@berth/sandbox";
import { decodeValue, encodeValue } from "@berth/wire";

import { fixture } from "./compartment.ts";

const refused = (method: string): SandboxError => new SandboxError("SANDBOX_CLOSED", `${method}: no`);
const cases = [wasm(), wasmFresh()].flatMap((engine) => engine.levels.map((level) => ({ engine, level })));
const { full } = await machineWalls(wasm());
const withoutWall = full.kind === "missing" && full.missing.why;

for (const { engine, level } of cases) {
  const skip = level === "isolated" && withoutWall;
  test(`${engine.name} at ${level}: runs in a process of its own, and loses it for a loop`, { skip }, async () => {
    const supervisor = new Supervisor();
    const compartment = supervisor.open({
      plugin: "plugin",
      packKey: "wasm",
      engine,
      level,
      code: fixture("extism-kit"),
      sourceName: "plugin.wasm",
      limits: { memoryMiB: 16, cpuMs: 300, wallMs: 20_000 },
      onRequest: ({ method }) =>
        method === "config.get" ? Promise.resolve({ value: { key: "set" } }) : Promise.reject(refused(method)),
      onLog: () => undefined,
    });
    const call = async (action: string, input: unknown): Promise<unknown> =>
      decodeValue(await compartment.call({ action, input: encodeValue(input), caller: undefined, about: "{}" }));
    try {
      assert.deepEqual(await call("vowels", "Extism"), { vowels: 2 });
      const bytes = new Uint8Array(2_000_000).fill(7);
      assert.deepEqual(await call("echo", bytes), bytes);
      assert.deepEqual(await Promise.all([1, 2, 3].map(() => call("readsConfig", null))), ["set", "set", "set"]);
      await assert.rejects(call("asksHttp", { url: "https://example.com/" }), /network\.fetch: no/);
      await assert.rejects(call("loops", null), { code: "SANDBOX_CPU" });
      assert.deepEqual(await call("echo", { still: "here" }), { still: "here" });
      await assert.rejects(call("fails", null), /no rows in the input/);
    } finally {
      supervisor.close();
    }
  });
}
