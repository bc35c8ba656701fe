// An action of a host that another process runs: labels of the user's data come along, in time.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import { startHostServer } from "@berth/host-http";
import { makeRelease } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

import { RemoteHost } from "../src/remote-host.ts";

const CODE = `var berthPlugin = { actions: {
  echo: (value) => value,
  async tells(id, ctx) { const { name } = await ctx.user.data.get("contacts", id); ctx.progress({ message: name }); return name; },
  async *rows(id, ctx) { yield (await ctx.user.data.get("contacts", id)).name; yield "more"; },
  async *fails(id, ctx) { throw new RangeError((await ctx.user.data.get("contacts", id)).name); },
} };`;
const any = { input: true, output: true };
const streaming = { ...any, streams: true };
const asked = { name: "user_data_access", entities: ["contacts"], purpose: "x", mayLeaveTo: ["a.com"], reason: "x" };
const manifest = {
  level: "strict",
  permissions: [asked],
  contributes: { actions: { echo: any, tells: any, rows: streaming, fails: streaming } },
};

test("tells the label of data before a report, an item, an answer or an error that carries it", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-remote-"));
  const host = await openHost<string>({
    dataDir,
    engines: [quickjs()],
    partitionOf: (user) => user,
    userData: { read: async () => ({ name: "Ann" }) },
  });
  const server = await startHostServer(host);
  try {
    const { bytes } = makeRelease({ id: "acme.demo", key: generatePublisherKey(), code: CODE, manifest });
    const plan = await host.plan(bytes);
    await host.install(plan, {
      grant: plan.permissions.map(({ permission }) => permission),
      trustKey: plan.signer.keyId,
    });
    using remote = await RemoteHost.connect({ pid: process.pid, url: server.url, token: server.token });
    assert.ok(remote !== undefined);
    const access = remote.access();
    const run = async (action: string): Promise<unknown[]> => {
      const heard: unknown[] = [];
      const options = {
        caller: "ann",
        onLabel: ({ mayLeaveTo }: { mayLeaveTo: readonly string[] }) => void heard.push(mayLeaveTo),
        onProgress: ({ message }: { message?: string | undefined }) => void heard.push(message),
      };
      try {
        for await (const { value } of access.run("acme.demo", action, Buffer.from('"1"'), options)) heard.push(value);
      } catch (error) {
        heard.push((error as { code: string }).code);
      }
      return heard;
    };
    assert.deepEqual(await run("echo"), ["1"]);
    assert.deepEqual(await run("tells"), [["a.com"], "Ann", "Ann"]);
    assert.deepEqual(await run("rows"), [["a.com"], "Ann", "more"]);
    assert.deepEqual(await run("fails"), [["a.com"], "SANDBOX_PLUGIN_THREW"]);
  } finally {
    await server.close();
    await host.close();
    await rm(dataDir, { recursive: true });
  }
});
