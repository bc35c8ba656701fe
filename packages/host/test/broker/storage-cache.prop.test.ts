import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Store } from "@berth/store";
import fc from "fast-check";

import { CallLabel } from "../../src/labels/call-label.ts";
import { AreaLabels } from "../../src/labels/area-labels.ts";
import type { ServiceCall } from "../../src/broker/service.ts";
import { makeStorageService } from "../../src/broker/storage.ts";
import { migrations } from "../../src/migrations.ts";

const QUOTA = 60;

type Step = {
  readonly plugin: string;
  readonly partition: string | undefined;
  readonly key: string;
  readonly value: string | number | undefined;
  readonly verb: "get" | "put" | "delete" | "forget" | "swap";
};

const step: fc.Arbitrary<Step> = fc.record({
  plugin: fc.constantFrom("acme.one", "acme.two"),
  partition: fc.constantFrom(undefined, "anna", "bert"),
  key: fc.constantFrom("a", "b", "user:anna"),
  // The longest does not fit beside another one: writes fail too.
  value: fc.constantFrom("x", 7, "y".repeat(40), undefined),
  verb: fc.constantFrom("get", "get", "put", "delete", "forget", "swap"),
});

const callOf = (pluginId: string, partition: string | undefined): ServiceCall => ({
  pluginId,
  version: "1.0.0",
  permissions: [],
  action: "test",
  sharesProcess: false,
  effect: undefined,
  partition,
  callerRights: undefined,
  chain: [],
  through: undefined,
  deadlineAt: Infinity,
  tree: { underWay: 0 },
  hops: 0,
  effectKey: undefined,
  grantedOnce: [],
  label: new CallLabel(),
  signal: () => new AbortController().signal,
});

test("a cache filled by any interleaving never answers anything but what is on disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-cache-"));
  const store = await Store.open({ file: join(folder, "host.sqlite"), migrations });
  const INSERT_PLUGIN =
    "INSERT INTO plugins (id, version, content_digest, file_digest, manifest, key_id, installed_at) VALUES (?, '', '', '', '', '', '')";
  for (const id of ["acme.one", "acme.two"]) await store.transaction([{ sql: INSERT_PLUGIN, params: [id] }]);
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { minLength: 1, maxLength: 40 }), async (steps) => {
        await store.transaction([{ sql: "DELETE FROM storage" }]);
        const service = makeStorageService(store, QUOTA, new AreaLabels(store));
        const ask = (call: ServiceCall, method: string, request: object): Promise<unknown> => {
          const found = service.methods.get(method);
          assert.ok(found);
          return found.run(call, request as Record<string, unknown>);
        };
        const running: Promise<unknown>[] = [];
        for (const [{ plugin, partition, key, value, verb }, waits] of steps) {
          const call = callOf(plugin, partition);
          const area = partition === undefined ? "plugin" : "user";
          if (verb === "forget") service.release?.(plugin);
          else if (verb === "swap") {
            const operations = [
              { do: "expect", key, value: "x" },
              { do: "put", key, value: "z" },
            ];
            running.push(ask(call, "batch", { area, operations }));
          } else running.push(ask(call, verb, { area, key, ...(verb === "put" && { value: value ?? "x" }) }));
          // Some steps overlap with the next ones, some do not.
          if (waits) await Promise.allSettled(running.splice(0));
        }
        for (const each of await Promise.allSettled(running)) {
          if (each.status === "rejected")
            assert.equal((each.reason as { code: string }).code, "BROKER_QUOTA_EXCEEDED", String(each.reason));
        }
        for (const plugin of ["acme.one", "acme.two"]) {
          for (const partition of [undefined, "anna", "bert"]) {
            const call = callOf(plugin, partition);
            const area = partition === undefined ? "plugin" : "user";
            for (const key of ["a", "b", "user:anna"]) {
              const cached = (await ask(call, "get", { area, key })) as { value?: unknown };
              const [row] = await store.all(
                "SELECT json FROM storage WHERE plugin_id = ? AND partition = ? AND key = ?",
                [plugin, partition === undefined ? "" : `user:${partition}`, key],
              );
              assert.deepEqual(cached, row === undefined ? {} : { value: JSON.parse(String(row["json"])) as unknown });
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
