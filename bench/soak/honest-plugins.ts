import assert from "node:assert/strict";

import type { Host } from "@berth/host";
import type { SecurityLevel } from "@berth/spec";

import type { Random } from "./random.ts";

/** One call of an honest plugin; throws when it fails or answers with what is wrong. */
export interface HonestCall {
  readonly action: string;
  run(host: Host, id: string, random: Random, count: number): Promise<void>;
}

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** What an honest plugin in JavaScript does; each of its calls is checked. */
export const HONEST_CODE = `var count = 0;
var berthPlugin = { actions: {
  sum: ({ a, b }) => a + b,
  rows: (rows) => rows.map((row) => ({ ...row, scaled: row.n * 2 })),
  async later(value) { await new Promise((wake) => setTimeout(wake, 5)); return value; },
  async keep({ key, text }, ctx) { await ctx.storage.put(key, text); return ctx.storage.get(key); },
  fresh: () => (count += 1),
} };`;

export const honestCallsAt = (level: SecurityLevel): readonly HonestCall[] => [
  {
    action: "sum",
    async run(host, id, random) {
      const [a, b] = [random.below(1_000), random.below(1_000)];
      assert.equal(await host.call(id, "sum", { a, b }), a + b);
    },
  },
  {
    action: "rows",
    async run(host, id, random) {
      const rows = Array.from({ length: 1 + random.below(500) }, (_, n) => ({ n, name: `row ${n}` }));
      const answer = await host.callBytes(id, "rows", bytesOf(rows));
      const expected = rows.map((row) => ({ ...row, scaled: row.n * 2 }));
      assert.deepEqual(JSON.parse(new TextDecoder().decode(answer)), expected);
    },
  },
  {
    action: "later",
    async run(host, id, random) {
      const text = "x".repeat(random.below(20_000));
      assert.equal(await host.call(id, "later", text), text);
    },
  },
  {
    action: "keep",
    async run(host, id, _random, count) {
      const text = `call ${count}`;
      assert.equal(await host.call(id, "keep", { key: `key-${count % 500}`, text }), text);
    },
  },
  {
    action: "fresh",
    async run(host, id) {
      const answer = await host.call(id, "fresh", null);
      if (level === "strict") assert.equal(answer, 1);
      else assert.ok(Number(answer) >= 1);
    },
  },
];

/** Those of the WebAssembly fixture. */
export const HONEST_WASM_CALLS: readonly HonestCall[] = [
  {
    action: "vowels",
    async run(host, id) {
      assert.deepEqual(await host.call(id, "vowels", "Extism"), { vowels: 2 });
    },
  },
  {
    action: "echo",
    async run(host, id, random) {
      const value = { text: "x".repeat(random.below(20_000)) };
      assert.deepEqual(await host.call(id, "echo", value), value);
    },
  },
];
