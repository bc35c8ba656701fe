import assert from "node:assert/strict";
import test from "node:test";

import { quickjs } from "@berth/engine-quickjs";
import { SandboxError, Supervisor } from "@berth/sandbox";

import { openPlugin } from "../../../packages/sandbox/conformance/open-plugin.ts";
import type { OpenPlugin } from "../../../packages/sandbox/conformance/open-plugin.ts";

const CODE = `var kept = 0; var berthPlugin = { actions: {
  wait: (ms) => new Promise((wake) => setTimeout(() => wake((kept += 1)), ms)),
  never: () => new Promise(() => {}),
  echo: (value) => value,
} };`;
const LIMITS = { memoryMiB: 32, cpuMs: 5_000, wallMs: 20_000 };

async function withLeases(leases: number, wallMs: number, run: (plugin: OpenPlugin) => Promise<void>): Promise<void> {
  const supervisor = new Supervisor({ leases });
  try {
    await run(openPlugin(quickjs(), CODE, { supervisor, limits: { ...LIMITS, wallMs } }));
  } finally {
    supervisor.close();
  }
}

const codeOf = (error: unknown): string => (error instanceof SandboxError ? error.code : String(error));

test("runs as many calls at a time as there are leases, and the others in turn", () =>
  withLeases(2, 20_000, async ({ call }) => {
    await Promise.all([call("echo", 1), call("echo", 2)]);
    const startedAt = performance.now();
    // Each call finds the state fresh, wherever and whenever it runs.
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(() => call("wait", 150))), [1, 1, 1, 1, 1]);
    assert.ok(performance.now() - startedAt >= 3 * 150, "three rounds of two");
  }));

test("counts waiting for a process as wall time", () =>
  withLeases(1, 1_500, async ({ call }) => {
    await call("echo", 1);
    const outcomes = await Promise.allSettled([call("never"), call("never"), call("echo", 2)]);
    const [first, second, third] = outcomes.map((each) =>
      each.status === "rejected" ? String(each.reason) : "answered",
    );
    assert.match(first ?? "", /did not end within its wall time/);
    assert.match(second ?? "", /wall time/);
    assert.match(third ?? "", /did not begin within its wall time: all 1 processes of the plugin were busy/);
    assert.equal(await call("echo", 3), 3);
  }));

test("frees a caller who leaves while waiting, and one who leaves a call under way", () =>
  withLeases(1, 20_000, async ({ call }) => {
    await call("echo", 1);
    const [waiting, running] = [new AbortController(), new AbortController()];
    const left = [call("never", null, running.signal), call("echo", 2, waiting.signal)].map((each) =>
      each.catch(codeOf),
    );
    setTimeout(() => waiting.abort(), 20);
    setTimeout(() => running.abort(), 60);
    assert.deepEqual(await Promise.all(left), ["SANDBOX_CANCELLED", "SANDBOX_CANCELLED"]);
    // The process of the cancelled call takes no other one.
    assert.equal(await call("echo", 3), 3);
    const gone = AbortSignal.abort();
    assert.equal(await call("echo", 4, gone).catch(codeOf), "SANDBOX_CANCELLED");
  }));

test("hands on the place of a cancelled call to whoever waits", () =>
  withLeases(1, 20_000, async ({ call }) => {
    await call("echo", 1);
    const stop = new AbortController();
    const never = call("never", null, stop.signal).catch(codeOf);
    const next = call("echo", 2);
    setTimeout(() => stop.abort(), 20);
    assert.deepEqual(await Promise.all([never, next]), ["SANDBOX_CANCELLED", 2]);
  }));

test("fails calls under way and calls that wait when the host is closed", () =>
  withLeases(1, 20_000, async ({ call, supervisor }) => {
    await call("echo", 1);
    const pending = [call("never"), call("echo", 2), call("echo", 3)].map((each) => each.catch(codeOf));
    setTimeout(() => supervisor.close(), 20);
    assert.deepEqual(await Promise.all(pending), ["SANDBOX_CLOSED", "SANDBOX_CLOSED", "SANDBOX_CLOSED"]);
    assert.equal(await call("echo", 4).catch(codeOf), "SANDBOX_CLOSED");
  }));
