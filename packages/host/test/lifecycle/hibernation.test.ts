// What nobody calls is dropped with its processes, whatever the engine, and the next call wakes it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { wasm, wasmFresh } from "@berth/engine-wasm";
import type { HostEvent } from "@berth/host";
import type { EngineDescriptor } from "@berth/sandbox";
import type { SecurityLevel } from "@berth/spec";

import { install, makePackage, withHost } from "../fixture.ts";
import { countSandboxHosts, until } from "../sandbox-hosts.ts";

const skip = process.platform !== "linux" && "finds sandbox hosts through /proc";
const any = { input: true, output: true };
const contributes = { actions: { count: any } };
/** Gives others time to come: calls at the same time need processes of their own where one process runs one call. */
const CODE = `var kept = 0; var berthPlugin = { actions: {
  count: () => new Promise((wake) => setTimeout(() => wake([kept += 1]), 50)),
} };`;
const KIT = readFileSync(new URL("../../../../engines/wasm/test/fixtures/extism-kit.wasm", import.meta.url));

const script = makePackage({ code: CODE, manifest: { contributes } });
const module = makePackage({
  entry: { path: "plugin.wasm", bytes: KIT },
  manifest: { contributes, runtime: { kind: "wasm", entry: "plugin.wasm" } },
});

const ROWS: readonly (readonly [EngineDescriptor, SecurityLevel, Uint8Array])[] = [
  [isolate(), "standard", script],
  [quickjs(), "strict", script],
  [wasm(), "standard", module],
  [wasmFresh(), "strict", module],
];

for (const [engine, level, bytes] of ROWS) {
  test(
    `${engine.name} at ${level}: idle instances end with all their processes, and a call wakes the plugin`,
    { skip },
    () => {
      const events: HostEvent[] = [];
      const count = (kind: string): number => events.filter((event) => event.kind === kind).length;
      return withHost(
        async (host) => {
          await install(host, bytes);
          const call = async (caller: string): Promise<unknown> =>
            ((await host.call("acme.demo", "count", null, { caller })) as number[])[0];
          for (let round = 1; round <= 2; round += 1) {
            // Two partitions, several calls of each at a time.
            const first = await Promise.all(["ann", "bob", "ann", "bob", "ann", "bob"].map(call));
            assert.deepEqual(new Set(first), new Set(engine.isFresh === true ? [1] : [1, 2, 3]));
            assert.ok(countSandboxHosts() >= 1);
            await until(() => count("hibernated") === round);
            await until(() => countSandboxHosts() === 0);
            assert.equal(count("woken"), round - 1);
          }
          assert.equal(await call("ann"), 1);
          assert.equal(count("woken"), 2);
          assert.equal(count("process-lost"), 0);
        },
        { engines: [engine], policy: { level }, spares: 0, idleMs: 300, onEvent: (event) => events.push(event) },
      );
    },
  );
}
