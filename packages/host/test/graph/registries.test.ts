import assert from "node:assert/strict";
import test from "node:test";

import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import type { FileServer } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

import { agree, code, installGraph, keyOf, release, versionsOf, withWorld } from "./builders.ts";
import type { World } from "./builders.ts";

/** Beside the registry `tests`, a public one that is asked after it. */
async function withPublic(
  world: World,
  files: RegistryFiles,
  work: (server: FileServer) => Promise<void>,
): Promise<void> {
  const server = await serveFiles(files.files);
  try {
    await world.host.registries.add({ name: "public", url: server.url });
    await work(server);
  } finally {
    await server.close();
  }
}

const stranger = generatePublisherKey();
const impostor = (id: string, version: string) => makeRelease({ id, version, key: stranger });

test("lists registries by priority, and refuses names and addresses that are taken or bad", () =>
  withWorld([], async ({ host }) => {
    const { registries } = host;
    await registries.add({ name: "first", url: "https://first.example", priority: 1 });
    assert.deepEqual(
      (await registries.list()).map(({ name, priority }) => [name, priority]),
      [
        ["first", 1],
        ["tests", 10],
      ],
    );
    await assert.rejects(registries.add({ name: "first", url: "https://b.example" }), code("HOST_REGISTRY_EXISTS"));
    await assert.rejects(
      registries.add({ name: "again", url: "https://first.example/" }),
      code("HOST_REGISTRY_EXISTS"),
    );
    await assert.rejects(registries.add({ name: "No", url: "https://b.example" }), code("HOST_REGISTRY_NAME_INVALID"));
    await assert.rejects(registries.add({ name: "plain", url: "http://b.example" }), code("CLIENT_URL_INSECURE"));
    await registries.add({ name: "plain", url: "http://b.example", allowHttp: true });
    await registries.remove("plain");
    await assert.rejects(registries.remove("plain"), code("HOST_REGISTRY_UNKNOWN", "first, tests"));
  }));

test("a publisher stays with the registry it was first trusted from, whatever others offer", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host, server } = world;
    await installGraph(host, { "acme.tool": "*" });
    assert.deepEqual(
      (await host.registries.bindings()).map(({ publisher, url, how }) => [publisher, url, how]),
      [["acme", server.url, "first-use"]],
    );
    const elsewhere = new RegistryFiles().publish(impostor("acme.tool", "9.0.0"), impostor("acme.fresh", "1.0.0"));
    await withPublic(world, elsewhere, async (other) => {
      await assert.rejects(installGraph(host, { "acme.tool": "*" }), code("HOST_ALREADY_INSTALLED"));
      await assert.rejects(installGraph(host, { "acme.fresh": "*" }), code("RESOLVE_NO_SOLUTION", "acme.fresh"));
      assert.deepEqual(other.requests, [], "the other registry is not even asked");
    });
  }));

test("an unknown publisher belongs to the first registry by priority that has anything of it", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host } = world;
    await withPublic(world, new RegistryFiles().publish(impostor("acme.tool", "9.0.0")), async () => {
      const plan = await host.planGraph({ plugins: { "acme.tool": "*" } });
      assert.deepEqual(
        plan.members.map(({ manifest }) => manifest.version),
        ["1.0.0"],
      );
    });
  }));

test("a registry that does not answer is not replaced by the next one", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host, server } = world;
    await withPublic(world, new RegistryFiles().publish(impostor("acme.tool", "9.0.0")), async () => {
      for (const status of [500, 403, 429]) {
        server.misbehave = (_, response) => void response.writeHead(status, { "retry-after": "9999" }).end();
        await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }));
      }
      await server.close();
      await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("CLIENT_REGISTRY_UNREACHABLE"));
    });
    assert.deepEqual(await versionsOf(host), {});
  }));

test("a dependency cannot bring a bound publisher's name in from another registry", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host } = world;
    await installGraph(host, { "acme.tool": "*" });
    const elsewhere = new RegistryFiles().publish(
      release("wolf.sheep", "1.0.0", { "acme.internal": "*" }),
      impostor("acme.internal", "1.0.0"),
    );
    await withPublic(world, elsewhere, async () => {
      await assert.rejects(
        installGraph(host, { "wolf.sheep": "*" }),
        code("RESOLVE_NO_SOLUTION", "wolf.sheep", "acme.internal"),
      );
    });
  }));

test("a name that only a later registry has does not bring in what an earlier one has", () =>
  withWorld([release("acme.core", "1.0.0")], async (world) => {
    const { host } = world;
    const other = (id: string, version: string, dependencies: object) =>
      makeRelease({ id, version, key: stranger, manifest: { dependencies } });
    const elsewhere = new RegistryFiles().publish(
      release("wolf.sheep", "1.0.0", { "acme.internal": "*" }),
      other("acme.internal", "1.0.0", { "acme.core": "*" }),
      other("acme.core", "9.0.0", {}),
    );
    await withPublic(world, elsewhere, async () => {
      await assert.rejects(installGraph(host, { "wolf.sheep": "*" }), code("HOST_PUBLISHER_AMBIGUOUS", "acme"));
      await host.registries.bind("acme", "tests");
      await assert.rejects(installGraph(host, { "wolf.sheep": "*" }), code("RESOLVE_NO_SOLUTION", "acme.internal"));
    });
  }));

test("a binding outlives its registry, and changes only when somebody says so", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host, server } = world;
    await installGraph(host, { "acme.tool": "*" });
    const moved = new RegistryFiles().publish(release("acme.tool", "1.1.0"));
    await withPublic(world, moved, async (other) => {
      await host.registries.remove("tests");
      await assert.rejects(installGraph(host, { "acme.tool": "*" }), code("HOST_REGISTRY_UNKNOWN", server.url));
      await host.registries.bind("acme", "public");
      assert.deepEqual(await installGraph(host, { "acme.tool": "*" }), ["acme.tool 1.1.0"]);
      assert.deepEqual(
        (await host.registries.bindings()).map(({ url, how }) => [url, how]),
        [[other.url, "told"]],
      );
    });
  }));

test("a plan does not outlive the binding of a publisher's name to another registry", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host } = world;
    await withPublic(world, new RegistryFiles().publish(release("acme.tool", "2.0.0")), async (other) => {
      const plan = await host.planGraph({ plugins: { "acme.tool": "*" } });
      await host.registries.bind("acme", "public");
      await assert.rejects(host.installGraph(plan, agree(plan)), code("HOST_PLAN_STALE", other.url));
      assert.deepEqual(await versionsOf(host), {});
    });
  }));

test("even a rebound name needs the key that was trusted", () =>
  withWorld([release("acme.tool", "1.0.0")], async (world) => {
    const { host } = world;
    await installGraph(host, { "acme.tool": "*" });
    await withPublic(world, new RegistryFiles().publish(impostor("acme.tool", "9.0.0")), async () => {
      await host.registries.bind("acme", "public");
      await assert.rejects(installGraph(host, { "acme.tool": "*" }), code("HOST_KEY_CHANGED", "acme.tool 9.0.0"));
    });
  }));

test("a registry that once had signed metadata is refused without it, also after it was removed and added again", () =>
  withWorld([release("acme.tool", "1.0.0")], async ({ host, files, server }) => {
    files.describe({ signedMetadata: true });
    await host.planGraph({ plugins: { "acme.tool": "*" } });
    files.describe({ signedMetadata: false });
    await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("CLIENT_METADATA_MISSING"));
    await host.registries.remove("tests");
    await host.registries.add({ name: "again", url: server.url });
    await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("CLIENT_METADATA_MISSING"));
    files.describe({ signedMetadata: true, repository: "moved" });
    assert.ok(await host.planGraph({ plugins: { "acme.tool": "*" } }));
  }));

test("a registry that was set up anew is refused until it is removed and added again", () =>
  withWorld([release("acme.tool", "1.0.0")], async ({ host, files, server }) => {
    await host.planGraph({ plugins: { "acme.tool": "*" } });
    files.describe({ repository: "another" });
    await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("CLIENT_REGISTRY_CHANGED"));
    await host.registries.remove("tests");
    await host.registries.add({ name: "tests", url: server.url });
    assert.ok(await host.planGraph({ plugins: { "acme.tool": "*" } }));
  }));

test("what was seen of a registry survives the process", () =>
  withWorld([release("acme.tool", "1.0.0")], async ({ host, files }) => {
    files.change("acme.tool", () => ({ revision: 5 }));
    const plan = await host.planGraph({ plugins: { "acme.tool": "*" } });
    await host.installGraph(plan, agree(plan));
    assert.equal((await host.registries.list())[0]?.repository, "tests");
    files.change("acme.tool", () => ({ revision: 4 }));
    await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("CLIENT_ROLLED_BACK"));
  }));

test("needs a registry for ids, and none for files", async () => {
  await withWorld([], async ({ host }) => {
    await host.registries.remove("tests");
    await assert.rejects(host.planGraph({ plugins: { "acme.tool": "*" } }), code("HOST_NO_REGISTRY", "acme.tool"));
    const plan = await host.planGraph({ packages: [release("acme.tool").bytes] });
    await host.installGraph(plan, agree(plan));
    assert.equal((await host.graph())[0]?.askedRange, "*");
    assert.equal(keyOf("acme").keyId, (await host.list())[0]?.keyId);
  });
});

test("a signature that is bound to a repository holds for what comes from that one", () =>
  withWorld(
    [
      release("acme.here", "1.0.0", {}, { repository: "tests" }),
      release("acme.else", "1.0.0", {}, { repository: "other" }),
    ],
    async ({ host }) => {
      assert.deepEqual(await installGraph(host, { "acme.here": "*" }), ["acme.here 1.0.0"]);
      await assert.rejects(host.planGraph({ plugins: { "acme.else": "*" } }), code("TRUST_REPOSITORY_WRONG", "other"));
    },
    // A host that belongs to the other repository takes its files, not the claims of a third party's registry.
    { policy: { repository: "other" } },
  ));

test("a file whose signature is bound is taken where the policy names its repository", async () => {
  const { bytes } = release("acme.bound", "1.0.0", {}, { repository: "other" });
  for (const policy of [{}, { repository: "tests" }]) {
    await withWorld(
      [],
      async ({ host }) => {
        await assert.rejects(host.plan(bytes), code("TRUST_REPOSITORY_WRONG"));
        await assert.rejects(host.planGraph({ packages: [bytes] }), code("TRUST_REPOSITORY_WRONG"));
      },
      { policy },
    );
  }
  await withWorld(
    [],
    async ({ host }) => {
      const plan = await host.planGraph({ packages: [bytes] });
      await host.installGraph(plan, agree(plan));
      assert.deepEqual(await versionsOf(host), { "acme.bound": "1.0.0" });
    },
    { policy: { repository: "other" } },
  );
});
