import assert from "node:assert/strict";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import type { Host, HostEvent, HostOptions } from "@berth/host";

import { install, makePackage, withHost } from "../fixture.ts";
import { killSandboxHosts, until } from "../sandbox-hosts.ts";

const skip = process.platform !== "linux" && "finds sandbox hosts through /proc";
const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  echo: (value) => value,
  loop() { for (;;); },
  never: () => new Promise(() => {}),
  crash: () => "y".repeat(500000000).split("").length,
  rest: (ms) => new Promise((wake) => setTimeout(() => wake("rested"), ms)),
  async write(path, ctx) { await ctx.files.write(path, "written", { create: true }); return "written"; },
  async poll(path, ctx) {
    for (;;) {
      try { await ctx.files.write(path, "written", { create: true }); return "written"; }
      catch (error) { if (!/nobody granted/.test(error.message)) return error.message; }
      await new Promise((wake) => setTimeout(wake, 5));
    }
  },
} };`;
const ACTIONS = {
  echo: any,
  loop: any,
  never: any,
  crash: any,
  write: any,
  poll: any,
  rest: { ...any, effect: "pure" },
};

const plugin = (id: string, manifest: object = {}): Uint8Array =>
  makePackage({
    id,
    code: CODE,
    manifest: { contributes: { actions: ACTIONS }, limits: { cpuMs: 1_500, wallMs: 60_000 }, ...manifest },
  });

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

interface World {
  readonly host: Host<string>;
  readonly events: HostEvent[];
  /**
   * Which plugins are together in one process, found out by ending every process. Only once: who was together with
   * others is a suspect then. `count`: how often plugins will be named in all; default each once.
   */
  together(count?: number): Promise<string[][]>;
}

async function withWorld(
  work: (world: World) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const events: HostEvent[] = [];
  await withHost(
    async (host) => {
      const together = async (count?: number): Promise<string[][]> => {
        const ids = (await host.list()).map(({ id }) => id);
        for (const id of ids) assert.equal(await host.call(id, "echo", id), id);
        events.length = 0;
        killSandboxHosts();
        const groups = (): string[][] =>
          events.flatMap((event) => (event.kind === "process-lost" ? [event.pluginIds.toSorted()] : []));
        await until(() => groups().flat().length === (count ?? ids.length));
        return groups().toSorted((a, b) => (a.join() < b.join() ? -1 : 1));
      };
      await work({ host, events, together });
    },
    { spares: 0, onEvent: (event) => events.push(event), ...options },
  );
}

test("at standard plugins of one publisher share a process, and those of two never do", { skip }, () =>
  withWorld(async ({ host, together }) => {
    for (const id of ["acme.one", "acme.two", "other.one"]) await install(host, plugin(id));
    assert.deepEqual(await together(), [["acme.one", "acme.two"], ["other.one"]]);
  }),
);

test("at minimal everybody shares; who asks for more walls does not", { skip }, () =>
  withWorld(
    async ({ host, together }) => {
      for (const id of ["acme.one", "other.one"]) await install(host, plugin(id, { level: "minimal" }));
      await install(host, plugin("acme.two"));
      assert.deepEqual(await together(), [["acme.one", "other.one"], ["acme.two"]]);
    },
    { policy: { level: "minimal" } },
  ),
);

test("at strict nobody shares", { skip }, () =>
  withWorld(
    async ({ host, together }) => {
      for (const id of ["acme.one", "acme.two"]) await install(host, plugin(id));
      assert.deepEqual(await together(), [["acme.one"], ["acme.two"]]);
    },
    { policy: { level: "strict" }, engines: [isolate(), quickjs()] },
  ),
);

/** A folder that a plugin may be allowed to write to. */
async function withFolder(work: (file: string, manifest: object, root: string) => Promise<void>): Promise<void> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "berth-sharing-")));
  const permission = {
    name: "file_system_write",
    roots: [root],
    create: true,
    delete: true,
    reason: "test",
    optional: true,
  };
  try {
    await work(join(root, "file.txt"), { permissions: [permission] }, root);
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Grants what the manifest asks for. */
async function grantDeclared(host: Host<string>): Promise<void> {
  for (const permission of await host.declaredPermissions("acme.two")) await host.grant("acme.two", permission);
}

/** Installs without what is optional. */
async function installBare(host: Host<string>, bytes: Uint8Array): Promise<void> {
  const plan = await host.plan(bytes);
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
}

test("a dangerous right makes a plugin move out of its process", { skip }, () =>
  withFolder((file, manifest) =>
    withWorld(async ({ host, together }) => {
      await installBare(host, plugin("acme.one"));
      await installBare(host, plugin("acme.two", manifest));
      for (const id of ["acme.one", "acme.two"]) await host.call(id, "echo", 1);
      await grantDeclared(host);
      assert.equal(await host.call("acme.two", "write", file), "written");
      // The first process remembers who was in it once.
      assert.deepEqual(await together(3), [["acme.one", "acme.two"], ["acme.two"]]);
    }),
  ),
);

test("with the loss of its dangerous right a plugin returns to its neighbours", { skip }, () =>
  withFolder((file, manifest) =>
    withWorld(async ({ host, together }) => {
      await installBare(host, plugin("acme.one"));
      await installBare(host, plugin("acme.two", manifest));
      await grantDeclared(host);
      for (const id of ["acme.one", "acme.two"]) await host.call(id, "echo", 1);
      await host.revoke("acme.two", "file_system_write");
      assert.equal(await host.call("acme.two", "write", file).catch(codeOf), "SANDBOX_PLUGIN_THREW");
      assert.deepEqual(await together(), [["acme.one", "acme.two"]]);
    }),
  ),
);

test("a right that came while a call was under way in a shared process is not given there", { skip }, () =>
  withFolder((file, manifest) =>
    withWorld(async ({ host }) => {
      await installBare(host, plugin("acme.one"));
      await installBare(host, plugin("acme.two", manifest));
      const polling = host.call("acme.two", "poll", file);
      // It has asked once: now it is under way.
      await until(async () => (await host.permissionRequests()).length > 0);
      await grantDeclared(host);
      assert.match(String(await polling), /whose process other plugins share: it holds from the next call on/);
      await assert.rejects(readFile(file), { code: "ENOENT" });
      assert.equal(await host.call("acme.two", "write", file), "written");
    }),
  ),
);

test("who may be given a dangerous right in the middle of a call is alone from the beginning", { skip }, () =>
  withFolder((file, manifest) =>
    withWorld(
      async ({ host, together }) => {
        await installBare(host, plugin("acme.one"));
        await installBare(host, plugin("acme.two", manifest));
        assert.equal(await host.call("acme.two", "write", file), "written");
        assert.deepEqual(await together(), [["acme.one"], ["acme.two"]]);
      },
      { askPermission: async () => "once" },
    ),
  ),
);

test("a policy that grants everybody a dangerous right separates only those who ask for it", { skip }, () =>
  withFolder((_, manifest, root) =>
    withWorld(
      async ({ host, together }) => {
        for (const id of ["acme.one", "acme.three"]) await installBare(host, plugin(id));
        await installBare(host, plugin("acme.two", manifest));
        assert.deepEqual(await together(), [["acme.one", "acme.three"], ["acme.two"]]);
      },
      { policy: { grants: [{ name: "file_system_write", roots: [root], create: true, delete: true }] } },
    ),
  ),
);

test("crashes among several put nobody into quarantine; crashes alone do", () =>
  withWorld(async ({ host, events }) => {
    for (const id of ["acme.bad", "acme.good"])
      await install(host, plugin(id, { limits: { cpuMs: 30_000, wallMs: 60_000 } }));
    const stateOf = async (id: string): Promise<unknown> => (await host.list()).find((each) => each.id === id)?.state;
    const crash = async (): Promise<string> =>
      codeOf(await host.call("acme.bad", "crash", null).catch((error: unknown) => error));
    await host.call("acme.good", "echo", 1);
    await host.call("acme.bad", "echo", 1);
    const lost = host.call("acme.good", "never", null).catch(codeOf);
    assert.ok(["SANDBOX_CRASHED", "SANDBOX_MEMORY"].includes(await crash()));
    assert.ok(["SANDBOX_CRASHED", "SANDBOX_MEMORY"].includes(String(await lost)));
    assert.deepEqual(events.flatMap((event) => (event.kind === "suspect" ? [event.pluginId] : [])).toSorted(), [
      "acme.bad",
      "acme.good",
    ]);
    assert.deepEqual(
      (await host.running()).map(({ plugin: id, isSuspect, losses }) => [id, isSuspect, losses]),
      [
        ["acme.bad", true, 1],
        ["acme.good", true, 1],
      ],
    );
    for (let count = 0; count < 3; count += 1) {
      assert.equal(await stateOf("acme.bad"), "enabled");
      await crash();
    }
    await until(async () => (await stateOf("acme.bad")) === "quarantined");
    assert.equal(await stateOf("acme.good"), "enabled");
    assert.equal(await host.call("acme.good", "echo", 1), 1);
  }));

test("a pure call that a neighbour's loop cost its process is made once more, another one is not", () =>
  withWorld(async ({ host }) => {
    for (const id of ["acme.bad", "acme.good"]) await install(host, plugin(id));
    await Promise.all([host.call("acme.bad", "echo", 1), host.call("acme.good", "echo", 1)]);
    // Long enough to be under way when the loop begins.
    const pure = host.call("acme.good", "rest", 200);
    const other = host.call("acme.good", "never", null).catch(codeOf);
    assert.equal(await host.call("acme.bad", "loop", null).catch(codeOf), "SANDBOX_CPU");
    assert.equal(await pure, "rested");
    assert.equal(await other, "SANDBOX_NEIGHBOUR");
  }));

/** Tells the id of the event that it published, and waits until it is told to go on. */
const RETRIED = `var berthPlugin = { actions: {
  echo: (value) => value,
  rest: (ms) => new Promise((wake) => setTimeout(() => wake("rested"), ms)),
  crash: () => "y".repeat(500000000).split("").length,
  async adds(value, ctx) {
    const { id } = await ctx.events.publish("added", 1);
    ctx.log.info(id);
    for (let tries = 0; tries < 6000 && (await ctx.storage.get("goOn")) === undefined; tries++) await new Promise((wake) => setTimeout(wake, 10));
    return "added";
  },
  goOn: (value, ctx) => ctx.storage.put("goOn", true),
} };`;
const retried = (id: string): Uint8Array =>
  makePackage({
    id,
    code: RETRIED,
    manifest: {
      contributes: {
        actions: {
          echo: any,
          rest: { ...any, effect: "pure" },
          crash: any,
          adds: { ...any, effect: "idempotent" },
          goOn: any,
        },
        events: { added: { payload: true, delivery: "durable" } },
      },
      permissions: [
        { name: "platform_services", events: { publish: [`${id}/added`], perHour: 100 }, reason: "to count effects" },
      ],
      limits: { cpuMs: 30_000, wallMs: 60_000 },
    },
  });

test("pure and idempotent calls are made once more when their process crashed, effects are not", { skip }, () => {
  const said: string[] = [];
  return withWorld(
    async ({ host, events }) => {
      for (const id of ["acme.bad", "acme.good"]) await install(host, retried(id));
      await Promise.all([host.call("acme.bad", "echo", 1), host.call("acme.good", "echo", 1)]);
      const pure = host.call("acme.good", "rest", 200);
      const idempotent = host.call("acme.good", "adds", null);
      await until(() => said.length === 1);
      killSandboxHosts();
      assert.equal(await pure, "rested");
      await until(() => said.length === 2);
      assert.equal(said[0], said[1]);
      await host.call("acme.good", "goOn", null);
      assert.equal(await idempotent, "added");
      assert.deepEqual(
        events.flatMap((event) => (event.kind === "process-lost" ? [[event.reason, event.pluginIds.length]] : [])),
        [["crashed", 2]],
      );
      const statistics = await host.statistics({ pluginId: "acme.good" });
      assert.deepEqual(
        statistics.filter(({ retries }) => retries > 0).map(({ action, calls, retries }) => [action, calls, retries]),
        [
          ["adds", 1, 1],
          ["rest", 1, 1],
        ],
      );
    },
    { onLog: ({ text }) => said.push(text) },
  );
});

test("a call is not made again whose plugin crashed alone", { skip }, () =>
  withWorld(async ({ host }) => {
    await install(host, retried("acme.good"));
    await host.call("acme.good", "echo", 1);
    const pure = host.call("acme.good", "rest", 60_000).catch(codeOf);
    await until(async () => (await host.running())[0]?.callsUnderWay === 1);
    killSandboxHosts();
    assert.equal(await pure, "SANDBOX_CRASHED");
  }),
);

test("what nobody calls hibernates and is woken by the next call", () =>
  withWorld(
    async ({ host, events }) => {
      await install(host, plugin("acme.one"));
      assert.equal(await host.call("acme.one", "echo", 1), 1);
      assert.equal(await host.call("acme.one", "echo", 1, { caller: "anna" }), 1);
      const seen = (): string[] =>
        events.flatMap(({ kind }) => (kind === "hibernated" || kind === "woken" ? [kind] : []));
      await until(() => seen().at(-1) === "hibernated");
      assert.deepEqual(await host.running(), []);
      const before = seen().length;
      assert.equal(await host.call("acme.one", "echo", 2), 2);
      assert.equal(seen()[before], "woken");
    },
    { idleMs: 100 },
  ));

test("closing with time lets calls under way end, and takes no new ones", () =>
  withWorld(async ({ host }) => {
    await install(host, plugin("acme.one"));
    await host.call("acme.one", "echo", 1);
    const resting = host.call("acme.one", "rest", 300);
    await until(async () => (await host.running())[0]?.callsUnderWay === 1);
    const closed = host.close({ drainMs: 60_000 });
    assert.equal(await host.call("acme.one", "echo", 1).catch(codeOf), "HOST_CLOSED");
    assert.equal(await resting, "rested");
    await closed;
  }));

test("closing ends what does not end in time", () =>
  withWorld(async ({ host }) => {
    await install(host, plugin("acme.one"));
    await host.call("acme.one", "echo", 1);
    const never = host.call("acme.one", "never", null).catch(codeOf);
    await host.close({ drainMs: 100 });
    assert.equal(await never, "SANDBOX_CLOSED");
  }));
