import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";

import { until } from "../clock.ts";
import { install } from "../fixture.ts";
import { publisher, subscriber } from "./plugins-of-events.ts";

const ROUNDS = 4;

/** Publishes in a process of its own, which is killed after so many promises; answers with what was promised. */
async function publishAndKill(dataDir: string, start: number, promises: number): Promise<number[]> {
  const file = join(import.meta.dirname, "publish-forever.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file, dataDir, String(start)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString();
    if (text.split("\n").length > promises) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.once("close", resolve));
  const lines = text.split("\n").slice(0, -1);
  assert.ok(lines.length >= promises, `the program promised ${lines.length} events and ended`);
  return lines.map(Number);
}

test("no durable event that was promised is lost, whenever the program is killed", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-events-"));
  const open = (): Promise<Host> => openHost({ dataDir, engines: [isolate()] });
  try {
    const first = await open();
    await install(first as unknown as Host<string>, publisher());
    await install(first as unknown as Host<string>, subscriber());
    await first.close();
    const promised: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      promised.push(...(await publishAndKill(dataDir, round * 10_000, 5 + round * 9)));
    const host = await open();
    const missing = async (): Promise<number[]> => {
      const events = (await host.call("acme.sub", "heard", "plugin")) as { value: number }[];
      const heard = new Set(events.map(({ value }) => value));
      return promised.filter((value) => !heard.has(value));
    };
    await until(async () => (await missing()).length === 0);
    assert.deepEqual(await host.events.deadLetters(), []);
    await host.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
