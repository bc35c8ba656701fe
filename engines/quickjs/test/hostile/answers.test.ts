import assert from "node:assert/strict";
import test from "node:test";

import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";

import { openPlugin } from "../../../../packages/sandbox/conformance/open-plugin.ts";
import { openStrict } from "../bench.ts";
import type { Said } from "../bench.ts";

// A call that asks and does not wait, and one that asks afterwards: in the guest both have the same number.
const CODE = `var berthPlugin = { actions: {
  async leaves(_, { storage }) { void storage.get("of-the-first"); await storage.get("awaited"); return null; },
  asks: (_, { storage }) => storage.get("of-the-second"),
} };`;

const idsOf = (said: readonly Said[]): number[] => said.flatMap((each) => (each.kind === "request" ? [each.id] : []));

test("gives a late answer to one call's request to no other call", () => {
  const bench = openStrict(CODE);
  const [late, awaited] = idsOf(bench.call("leaves"));
  assert.ok(late !== undefined && awaited !== undefined);
  bench.compartment.settle(awaited, true, '{"value":1}', []);
  bench.rest();
  const [own] = idsOf(bench.call("asks"));
  assert.ok(own !== undefined);
  bench.compartment.settle(late, true, '{"value":"a secret of the first call"}', []);
  assert.deepEqual(idsOf(bench.said), [late, awaited, own]);
  assert.equal(bench.said.at(-1)?.kind, "request", "the second call still waits");
  bench.compartment.settle(own, true, '{"value":"its own"}', []);
  assert.deepEqual(bench.said.at(-1), { kind: "result", json: '"its own"', bytes: [] });
});

test("gives it to no other call through the pipe either", async () => {
  const late = Promise.withResolvers<unknown>();
  const supervisor = new Supervisor({ leases: 1 });
  const { call } = openPlugin(quickjs(), CODE, {
    supervisor,
    limits: { memoryMiB: 16, cpuMs: 5_000, wallMs: 30_000 },
    async onRequest({ value }) {
      const { key } = JSON.parse(Buffer.from(value.json).toString()) as { key: string };
      if (key === "of-the-first") return late.promise;
      if (key === "awaited") return { value: null };
      late.resolve({ value: "a secret of the first call" });
      // The late answer leaves first.
      await new Promise((resolve) => void setImmediate(resolve));
      return { value: "its own" };
    },
  });
  try {
    assert.equal(await call("leaves"), null);
    assert.equal(await call("asks"), "its own");
  } finally {
    supervisor.close();
  }
});

const HOARDS = {
  "one array that a request holds a thousand times":
    "async (_, { storage }) => storage.put('k', new Array(1000).fill(new Uint8Array(1e6)))",
  "empty arrays without number":
    "async (_, { storage }) => { const many = new Array(1000).fill(new Uint8Array(0)); for (;;) storage.put('k', many).catch(() => {}); }",
  "methods that a plugin made long":
    "async (_, { storage }) => { const long = 'm'.repeat(1e6); Array.prototype.toJSON = () => [1, long]; for (;;) void storage.get('k'); }",
  "timers that are set and cleared": "async () => { for (;;) clearTimeout(setTimeout(() => {}, 1)); }",
} as const;

for (const [what, body] of Object.entries(HOARDS)) {
  test(`counts what it keeps of a plugin's words outside the machine: ${what}`, () => {
    const bench = openStrict(`var berthPlugin = { actions: { attack: ${body} } };`, { memoryMiB: 16, cpuMs: 60_000 });
    assert.deepEqual(bench.call("attack"), [{ kind: "lost", reason: "memory" }]);
  });
}

test("counts requests until they are answered, over all turns of a call", () => {
  const wakes: (() => void)[] = [];
  const bench = openStrict(
    `var berthPlugin = { actions: { async asks(_, { storage }) {
      const megabyte = new Uint8Array(1e6);
      for (;;) { storage.put("k", megabyte).catch(() => {}); await new Promise((wake) => setTimeout(wake, 1)); }
    } } };`,
    { memoryMiB: 16, powers: { setTimer: (run) => (wakes.push(run), () => undefined) } },
  );
  const wake = (): void => wakes.pop()?.();
  bench.call("asks");
  for (let turn = 0; turn < 40; turn += 1) {
    const [id] = idsOf(bench.said).slice(-1);
    bench.compartment.settle(id ?? 0, true, '{"value":null}', []);
    wake();
  }
  assert.equal(bench.said.filter(({ kind }) => kind === "request").length, 41);
  for (let turn = 0; turn < 20; turn += 1) wake();
  assert.deepEqual(bench.said.at(-1), { kind: "lost", reason: "memory" });
});
