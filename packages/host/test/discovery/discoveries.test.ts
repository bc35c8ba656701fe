import assert from "node:assert/strict";
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { packPackage, replaceEnvelopes } from "@berth/archive";
import { DEPLOYMENT_ENVELOPE, openPackage } from "@berth/host";
import type { DiscoveredDevelopment, DiscoveredPackage, DiscoveredPlugin, Host } from "@berth/host";
import { Store } from "@berth/store";
import { generateDeploymentKey, generatePublisherKey, signDeployment } from "@berth/trust";

import { descendants } from "../../../sandbox/conformance/hostile/descendants.ts";
import { migrations } from "../../src/migrations.ts";
import { install, key, makePackage } from "../fixture.ts";
import { byName, draftManifest, withDrop } from "./drop-folder.ts";

const packageOf = (found: readonly DiscoveredPlugin[], name: string): DiscoveredPackage => {
  const each = byName(found).get(name);
  assert.ok(each?.kind === "package", name);
  return each;
};

const developmentOf = (found: readonly DiscoveredPlugin[], name: string): DiscoveredDevelopment => {
  const each = byName(found).get(name);
  assert.ok(each?.kind === "development", name);
  return each;
};

test("tells of each package who vouches, what that is worth here, and why it would be refused", () =>
  withDrop(async ({ put, open }) => {
    const bytes = makePackage();
    await put("good.berth", bytes);
    await put("unsigned.berth", makePackage({ id: "acme.bare", signWith: null }));
    await put("newer-api.berth", makePackage({ id: "acme.newer", manifest: { api: "^9.0" } }));
    await put(
      "no-entry.berth",
      makePackage({ id: "acme.hollow", manifest: { runtime: { kind: "javascript", entry: "gone.js" } } }),
    );
    const asks = {
      permissions: [{ name: "secrets_access", names: ["a"], reason: "x" }],
      secrets: ["a"],
    };
    await put("asks.berth", makePackage({ id: "acme.asks", manifest: asks }));
    const host = await open({ policy: { deny: ["secrets_access"] } });
    const { folders, found } = await host.discover();
    assert.deepEqual(
      folders.map(({ isWhole, links, error }) => [isWhole, links, error]),
      [[true, 0, undefined]],
    );
    const good = packageOf(found, "good.berth");
    assert.deepEqual(
      [good.id, good.version, good.displayName, good.sizeBytes, good.contentDigest],
      ["acme.demo", "1.0.0", "Demo", bytes.length, openPackage(bytes).contentDigest],
    );
    assert.ok(good.signer?.status === "first-use");
    assert.equal(good.signer.keyId, key.keyId);
    assert.deepEqual([good.error, good.installed, good.claimants], [undefined, undefined, 1]);
    const refusals = ["unsigned.berth", "newer-api.berth", "no-entry.berth", "asks.berth"].map((name) => {
      const { signer, error, id } = packageOf(found, name);
      return [id, signer?.status, error?.code];
    });
    assert.deepEqual(refusals, [
      ["acme.bare", undefined, "HOST_PACKAGE_UNSIGNED"],
      ["acme.newer", "first-use", "HOST_API_UNSUPPORTED"],
      ["acme.hollow", "first-use", "HOST_ENTRY_MISSING"],
      ["acme.asks", "first-use", "HOST_POLICY_DENIES"],
    ]);
  }));

test("tells what of it is installed, and what another key or another source keeps out", () =>
  withDrop(async ({ put, open }) => {
    await put("a-same.berth", makePackage());
    await put("b-next.berth", makePackage({ version: "1.1.0" }));
    await put("c-stranger.berth", makePackage({ version: "1.2.0", signWith: generatePublisherKey() }));
    const host = await open();
    await install(host);
    await host.disable("acme.demo");
    const { found } = await host.discover();
    assert.deepEqual(
      found.map((each) => [each.version, each.installed, each.claimants]),
      ["1.0.0", "1.1.0", "1.2.0"].map((version) => [
        version,
        { version: "1.0.0", state: "disabled", isThis: version === "1.0.0" },
        3,
      ]),
    );
    assert.deepEqual(
      ["a-same.berth", "b-next.berth", "c-stranger.berth"].map((name) => {
        const { signer, error } = packageOf(found, name);
        return signer?.status ?? error?.code;
      }),
      ["trusted", "trusted", "HOST_KEY_CHANGED"],
    );
    const path = packageOf(found, "b-next.berth").path;
    await install(host, await readFile(path));
    assert.equal((await host.list())[0]?.version, "1.1.0", "what was listed is installed the ordinary way");
  }));

test("a deployment that may vouch is told as one that nobody asked: a look unlocks no secret", () =>
  withDrop(async ({ put, open }) => {
    const secret = generateDeploymentKey("ours.example");
    const deployed = (id: string): Uint8Array => {
      const bytes = makePackage({ id, signWith: null });
      const statement = { plugin: id, version: "1.0.0", contentDigest: readDigest(bytes) };
      const times = { time: "2026-01-01T00:00:00.000Z", expires: "2026-02-01T00:00:00.000Z" };
      return replaceEnvelopes(
        bytes,
        new Map([[DEPLOYMENT_ENVELOPE, signDeployment({ ...statement, ...times }, secret)]]),
      );
    };
    await put("ours.berth", deployed("ours.one"));
    await put("taken.berth", deployed("acme.two"));
    await put(
      "denied.berth",
      replaceEnvelopes(deployed("ours.three"), new Map([[DEPLOYMENT_ENVELOPE, bytesOf("{}")]])),
    );
    const now = (): Date => new Date("2026-01-10T00:00:00.000Z");
    let asked = 0;
    const deploymentKeys = async (): Promise<never> => {
      asked += 1;
      // Nobody is there to type a passphrase.
      return await new Promise<never>(() => undefined);
    };
    const judged = async (host: Host<string>): Promise<unknown> => {
      const { found } = await host.discover();
      return Object.fromEntries(
        ["ours.berth", "taken.berth", "denied.berth"].map((name) => {
          const { signer, error } = packageOf(found, name);
          return [name, error?.code ?? signer];
        }),
      );
    };
    const host = await open({ policy: { repository: "ours.example" }, now, deploymentKeys });
    await install(host);
    assert.deepEqual(await judged(host), {
      "ours.berth": { status: "unchecked-deployment", publisher: "ours", repository: "ours.example" },
      "taken.berth": "HOST_DEPLOYMENT_REFUSED",
      "denied.berth": "SPEC_ENVELOPE_INVALID",
    });
    assert.equal(asked, 0);
    await host.close();
    const without = await open({ now, deploymentKeys });
    assert.deepEqual(await judged(without), {
      "ours.berth": "HOST_DEPLOYMENT_REFUSED",
      "taken.berth": "HOST_DEPLOYMENT_REFUSED",
      "denied.berth": "SPEC_ENVELOPE_INVALID",
    });
  }));

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function readDigest(bytes: Uint8Array): string {
  const files = Array.from(openFiles(bytes), ([path, file]) => ({ path, bytes: file.bytes }));
  return packPackage({ files }).contentDigest;
}

const openFiles = (bytes: Uint8Array): ReadonlyMap<string, { readonly bytes: Uint8Array }> => {
  const signed = replaceEnvelopes(bytes, new Map([[DEPLOYMENT_ENVELOPE, new Uint8Array(1)]]));
  return openPackage(signed).files;
};

test("lists folders with a manifest, and what a host says of those that it was opened with", () =>
  withDrop(async ({ folder, put, open }) => {
    await put("draft/manifest.json", draftManifest());
    await put("other/manifest.json", draftManifest({ id: "me.other", version: "2.0.0" }));
    await put("broken/manifest.json", '{"id": "me.broken"');
    await put("deep/below/manifest.json", draftManifest({ id: "me.deep" }));
    await put("node_modules/.keep", "");
    const code = new TextEncoder().encode("var berthPlugin = { actions: { say: () => 1 } };");
    const packed = packPackage({
      files: [
        {
          path: "manifest.json",
          bytes: Buffer.from(draftManifest({ runtime: { kind: "javascript", entry: "p.js" } })),
        },
        { path: "p.js", bytes: code },
      ],
    });
    const path = join(folder, "draft");
    const host = await open({ developmentFolders: [{ path, build: () => Promise.resolve(packed.bytes) }] });
    const before = await host.discover();
    assert.deepEqual(
      before.found.map((each) => [each.id, each.version, each.kind, each.kind === "development" && each.state]),
      [
        ["me.draft", "0.1.0", "development", "found"],
        ["me.other", "2.0.0", "development", undefined],
        [undefined, undefined, "development", undefined],
      ],
    );
    assert.equal(developmentOf(before.found, "broken").error?.code, "SPEC_MANIFEST_NOT_JSON");
    const plan = await host.developments.plan(path);
    await host.install(plan, { grant: [], unsigned: plan.contentDigest });
    await put("claims.berth", makePackage({ id: "me.draft", version: "3.0.0" }));
    const { found } = await host.discover();
    const draft = developmentOf(found, "draft");
    assert.deepEqual(
      [draft.state, draft.installed, draft.claimants],
      ["consented", { version: "0.1.0", state: "enabled", isThis: true }, 2],
    );
    const claims = packageOf(found, "claims.berth");
    assert.deepEqual(
      [claims.signer?.status, claims.error?.code, claims.installed?.isThis, claims.claimants],
      ["first-use", "HOST_DEVELOPMENT_TAKEN", false, 2],
    );
  }));

test("looks in the folders that are named, in each once, and tells of those that it cannot look in", () =>
  withDrop(async ({ folder, put, open }) => {
    await put("a/one.berth", makePackage());
    await put("b/two.berth", makePackage({ id: "acme.two" }));
    await put("b/file", "");
    await symlink(join(folder, "a"), join(folder, "b/link"));
    const host = await open({ pluginFolders: [join(folder, "a")] });
    assert.deepEqual(
      (await host.discover()).found.map(({ id }) => id),
      ["acme.demo"],
    );
    const named = [
      join(folder, "gone"),
      join(folder, "b/link"),
      join(folder, "b/file"),
      join(folder, "b"),
      join(folder, "a"),
    ];
    const { folders, found } = await host.discover({ folders: named });
    assert.deepEqual(
      folders.map(({ path, links, error }) => [path, links, error?.code]),
      [
        [join(folder, "gone"), 0, "HOST_DISCOVERY_UNREADABLE"],
        [join(folder, "a"), 0, undefined],
        [join(folder, "b/file"), 0, "HOST_DISCOVERY_UNREADABLE"],
        [join(folder, "b"), 1, undefined],
      ],
    );
    assert.deepEqual(
      found.map(({ id }) => id),
      ["acme.demo", "acme.two"],
    );
    await host.close();
    const without = await open({ pluginFolders: [] });
    assert.deepEqual(await without.discover(), { folders: [], found: [] });
  }));

test("a folder that is itself a plugin's is listed too", () =>
  withDrop(async ({ folder, put, open }) => {
    await put("manifest.json", draftManifest());
    const host = await open();
    const { found } = await host.discover();
    assert.deepEqual(
      found.map(({ id, path }) => [id, path]),
      [["me.draft", folder]],
    );
  }));

/** Every row of every table of a closed host's database. */
async function rowsIn(dataDir: string): Promise<unknown> {
  const store = await Store.open({ file: join(dataDir, "host.sqlite"), migrations });
  try {
    const tables = await store.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    const rows: unknown[] = [];
    for (const { name } of tables) rows.push([name, await store.all(`SELECT * FROM "${String(name)}"`)]);
    return rows;
  } finally {
    await store.close();
  }
}

const filesIn = async (folder: string): Promise<string[]> => (await readdir(folder, { recursive: true })).toSorted();

test("a look changes nothing: no row, no file, no process, and nothing that is on after the next start", () =>
  withDrop(async ({ folder, dataDir, put, open }) => {
    const first = await open();
    await install(first);
    await first.disable("acme.demo");
    await first.close();
    const trap = `require("node:fs").writeFileSync(${JSON.stringify(join(folder, "trapped"))}, "")`;
    await put("draft/manifest.json", draftManifest());
    for (const name of ["manifest.js", "manifest.ts", "berth.config.js", "src/plugin.ts", "index.js"])
      await put(`draft/${name}`, trap);
    await put("draft/package.json", JSON.stringify({ scripts: { prepare: trap, build: trap, postinstall: trap } }));
    await put("same.berth", makePackage());
    await put("next.berth", makePackage({ version: "1.1.0", code: trap }));
    await put("new.berth", makePackage({ id: "tools.new", code: trap, signWith: generatePublisherKey() }));
    const before = [await rowsIn(dataDir), await filesIn(dataDir), await filesIn(folder)];
    const host = await open();
    const processes = descendants();
    const { found } = await host.discover();
    assert.deepEqual(
      found.map(({ error }) => error),
      [undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(descendants(), processes);
    assert.deepEqual(await host.trustedKeys().then((keys) => keys.map(({ publisher }) => publisher)), ["acme"]);
    await host.close();
    assert.deepEqual([await rowsIn(dataDir), await filesIn(dataDir), await filesIn(folder)], before);
    const again = await open();
    assert.deepEqual(
      (await again.list()).map(({ id, state }) => [id, state]),
      [["acme.demo", "disabled"]],
    );
  }));

test("opening a host looks at none of its folders", () =>
  withDrop(async ({ folder, put, open }) => {
    await put("one.berth", makePackage());
    let read = 0;
    const pluginFolders = Object.defineProperty([""], 0, {
      get() {
        read += 1;
        return folder;
      },
    });
    const host = await open({ pluginFolders });
    assert.equal((await host.list()).length, 0);
    assert.equal(read, 0, "without their names nobody can look");
    assert.equal((await host.discover()).found.length, 1);
    assert.ok(read > 0);
  }));

test("a search ends with its signal, and with the host", () =>
  withDrop(async ({ put, open }) => {
    await put("one.berth", makePackage());
    const host = await open();
    const left = new AbortController();
    const leaving = host.discover({ signal: left.signal });
    left.abort(new Error("left"));
    await assert.rejects(leaving, /left/);
    const [underWay, waiting] = [host.discover(), host.discover()];
    const ended = Promise.allSettled([underWay, waiting]);
    await host.close();
    for (const each of await ended)
      assert.equal(each.status === "rejected" && (each.reason as { code: string }).code, "HOST_CLOSED");
    await assert.rejects(host.discover(), { code: "HOST_CLOSED" });
  }));
