import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host, HostEvent } from "@berth/host";
import fc from "fast-check";

import { makePackage } from "../fixture.ts";

/** The ways that the documents promise, written down apart from the table that the code runs on. */
const LEGAL = new Set(
  `available>installing installing>installed installing>available installed>enabled disabled>enabled failed>enabled
   installed>disabled enabled>disabled failed>disabled enabled>failed enabled>quarantined failed>quarantined
   quarantined>disabled installed>updating enabled>updating disabled>updating failed>updating quarantined>updating
   updating>installed updating>enabled updating>disabled updating>failed updating>quarantined installed>uninstalling
   enabled>uninstalling disabled>uninstalling failed>uninstalling quarantined>uninstalling uninstalling>available
   available>enabled available>disabled available>failed available>quarantined available>installed`.split(/\s+/),
);

const EXPECTED_CODES = new Set([
  "HOST_PLAN_STALE",
  "HOST_ALREADY_INSTALLED",
  "HOST_PLUGIN_UNKNOWN",
  "HOST_PLUGIN_NOT_ENABLED",
  "HOST_TRANSITION_ILLEGAL",
  "SANDBOX_CLOSED",
]);

const packages = ["1.0.0", "1.1.0"].map((version) => makePackage({ version }));

async function install(host: Host<string>, bytes: Uint8Array, enable: boolean): Promise<void> {
  const plan = await host.plan(bytes);
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId, enable, allowDowngrade: true });
}

const verbs: Record<string, (host: Host<string>) => Promise<unknown>> = {
  first: (host) => install(host, packages[0] ?? new Uint8Array(), true),
  firstOff: (host) => install(host, packages[0] ?? new Uint8Array(), false),
  second: (host) => install(host, packages[1] ?? new Uint8Array(), true),
  enable: (host) => host.enable("acme.demo"),
  disable: (host) => host.disable("acme.demo"),
  load: (host) => host.load("acme.demo"),
  unload: (host) => host.unload("acme.demo"),
  uninstall: (host) => host.uninstall("acme.demo"),
  call: (host) => host.call("acme.demo", "echo", 1),
};

test("no interleaving of operations makes an illegal transition, and memory always ends as the disk says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...Object.keys(verbs)), fc.boolean()), { minLength: 2, maxLength: 14 }),
      async (steps) => {
        const dataDir = await mkdtemp(join(tmpdir(), "berth-states-"));
        const events: HostEvent[] = [];
        const onEvent = (event: HostEvent): void => void events.push(event);
        const host = await openHost<string>({ dataDir, engines: [isolate()], onEvent });
        try {
          const running: Promise<unknown>[] = [];
          for (const [verb, waits] of steps) {
            running.push(Promise.resolve(verbs[verb]?.(host)));
            if (waits) await Promise.allSettled(running);
          }
          for (const each of await Promise.allSettled(running)) {
            if (each.status === "fulfilled") continue;
            const { code, message } = each.reason as { code: string; message: string };
            assert.ok(EXPECTED_CODES.has(code), `${code}: ${message}`);
          }
          const inMemory = (await host.list()).map(({ version, state }) => ({ version, state }));
          await host.close();
          let state = "available";
          for (const event of events) {
            assert.equal(event.kind, "state");
            if (event.kind !== "state") continue;
            assert.equal(event.from, state, "each transition begins where the one before ended");
            assert.ok(LEGAL.has(`${event.from}>${event.to}`), `${event.from} > ${event.to}`);
            state = event.to;
          }
          const again = await openHost<string>({ dataDir, engines: [isolate()] });
          assert.deepEqual(
            (await again.list()).map((plugin) => ({ version: plugin.version, state: plugin.state })),
            inMemory,
          );
          await again.close();
        } finally {
          await host.close();
          await rm(dataDir, { recursive: true });
        }
      },
    ),
    { numRuns: 25 },
  );
});
