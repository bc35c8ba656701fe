// What somebody may have put into a folder in which a host looks for plugins.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, open as openFile, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { deflateRawSync } from "node:zlib";

import { packPackage } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import type { DiscoveredPlugin, Policy } from "@berth/host";
import type { Permission } from "@berth/spec";

import { Discoveries } from "../../src/discovery/discoveries.ts";
import type { DiscoveryLimits } from "../../src/discovery/discoveries.ts";
import { PluginFolder } from "../../src/discovery/node-plugin-folder.ts";
import { completePolicy } from "../../src/policy.ts";
import { byName, draftManifest, withDrop } from "../discovery/drop-folder.ts";
import { makePackage } from "../fixture.ts";

const onLinux = {
  skip: process.platform === "linux" ? false : "steps through open folders, and names of any bytes, are Linux's",
};

const codesOf = (found: readonly DiscoveredPlugin[]): Record<string, string | undefined> =>
  Object.fromEntries(Array.from(byName(found), ([name, { error }]) => [name, error?.code]));

async function makeSparse(path: string, sizeBytes: number): Promise<void> {
  await using file = await openFile(path, "w");
  await file.truncate(sizeBytes);
}

test("links, pipes, sockets, devices and folders are told of by name, never opened, and hide nothing", () =>
  withDrop(async ({ folder, put, open }) => {
    await put("good.berth", makePackage());
    await put("../outside/manifest.json", draftManifest({ id: "me.outside" }));
    await put("../outside/p.berth", makePackage({ id: "acme.outside" }));
    await symlink(join(folder, "../outside/p.berth"), join(folder, "link.berth"));
    await symlink(join(folder, "../outside"), join(folder, "linked"));
    await symlink("/dev/zero", join(folder, "zero.berth"));
    await symlink("loop.berth", join(folder, "loop.berth"));
    await mkdir(join(folder, "folder.berth"));
    for (const name of ["a", "b", "c", "d"]) await mkdir(join(folder, name));
    await symlink(join(folder, "../outside/manifest.json"), join(folder, "a/manifest.json"));
    await mkdir(join(folder, "c/manifest.json"));
    for (const pipe of ["pipe.berth", "b/manifest.json"])
      assert.equal(spawnSync("mkfifo", [join(folder, pipe)]).status, 0);
    const server = createServer().listen(join(folder, "socket.berth"));
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const host = await open();
      const { folders, found } = await host.discover();
      const refused = "HOST_DISCOVERY_NOT_PLAIN";
      assert.deepEqual(codesOf(found), {
        a: refused,
        b: refused,
        c: refused,
        "good.berth": undefined,
        "link.berth": refused,
        "loop.berth": refused,
        "pipe.berth": refused,
        "socket.berth": refused,
        "zero.berth": refused,
      });
      assert.ok(found.every(({ id }) => id === undefined || id === "acme.demo"));
      assert.deepEqual(
        folders.map(({ links, isWhole }) => [links, isWhole]),
        [[4, true]],
      );
    } finally {
      server.close();
    }
  }));

test("a folder that is exchanged for a link after it was opened leads nowhere else", onLinux, () =>
  withDrop(async ({ folder, put }) => {
    await put("draft/manifest.json", "ours");
    await put("../outside/manifest.json", "theirs");
    using looked = PluginFolder.open(folder);
    using draft = looked.enter("draft");
    await rename(join(folder, "draft"), join(folder, "moved"));
    await symlink(join(folder, "../outside"), join(folder, "draft"));
    assert.equal(Buffer.from(draft.read("manifest.json", 10).bytes ?? []).toString(), "ours");
    assert.throws(() => looked.enter("draft"), { code: "HOST_DISCOVERY_NOT_PLAIN" });
    const { folder: place } = looked.list(10, 10);
    PluginFolder.reopen(place)[Symbol.dispose]();
    await rename(folder, `${folder}-moved`);
    await symlink(join(folder, "../outside"), folder);
    assert.throws(() => PluginFolder.reopen(place), { code: "HOST_DISCOVERY_NOT_PLAIN" });
    assert.equal(Buffer.from(looked.enter("moved").read("manifest.json", 10).bytes ?? []).toString(), "ours");
  }),
);

test("files of any size, bombs and bytes of every kind are refused by code, and the good one is listed", () =>
  withDrop(async ({ folder, put, open }) => {
    const good = makePackage();
    await put("good.berth", good);
    await put("empty.berth", "");
    await put("cut.berth", good.subarray(0, good.length / 2));
    await put("longer.berth", Buffer.concat([good, Buffer.from("x")]));
    await put(
      "bomb.berth",
      Buffer.concat([good.subarray(0, 10), deflateRawSync(Buffer.alloc(150 * 1_048_576)), Buffer.alloc(8)]),
    );
    await makeSparse(join(folder, "giant.berth"), 2 ** 40);
    await put("huge/manifest.json", "");
    await makeSparse(join(folder, "huge/manifest.json"), 2 ** 40);
    await put("nested/manifest.json", "[".repeat(200_000));
    await put("foreign/manifest.json", '{"manifest_version": 3, "name": "An extension of a browser"}');
    await put("prototype/manifest.json", '{"__proto__": {"id": "me.x"}, "constructor": 1}');
    const host = await open();
    const { found } = await host.discover();
    assert.deepEqual(codesOf(found), {
      "bomb.berth": "ARCHIVE_TOO_LARGE",
      "cut.berth": "ARCHIVE_TRUNCATED",
      "empty.berth": "ARCHIVE_PACKAGE_INVALID",
      foreign: "SPEC_MANIFEST_INVALID",
      "giant.berth": "ARCHIVE_TOO_LARGE",
      "good.berth": undefined,
      huge: "SPEC_MANIFEST_TOO_LARGE",
      "longer.berth": "ARCHIVE_TRAILING_DATA",
      nested: "SPEC_MANIFEST_NOT_JSON",
      prototype: "SPEC_MANIFEST_NOT_JSON",
    });
  }));

const shared = join(import.meta.dirname, "../../../../../shared/conformance/archive");
const skip = existsSync(shared) ? false : "the shared conformance archives are not beside this clone";

test("every archive of the shared collection is listed with a code of ours", { skip }, () =>
  withDrop(async ({ folder, put, open }) => {
    let count = 0;
    for (const entry of await readdir(shared, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      await cp(join(entry.parentPath, entry.name), join(folder, `${count}.berth`));
      count += 1;
    }
    await put("good.berth", makePackage());
    const host = await open();
    const { found } = await host.discover();
    assert.equal(found.length, count + 1);
    assert.ok(count > 100);
    assert.deepEqual(
      found.filter(({ error }) => error === undefined).map(({ id }) => id),
      ["acme.demo"],
    );
    for (const { error, path } of found) if (error !== undefined) assert.match(error.code, /^ARCHIVE_/, path);
  }),
);

test("two that claim one id are both listed, and each says so", () =>
  withDrop(async ({ put, open }) => {
    await put("one.berth", makePackage());
    await put("two.berth", makePackage({ code: "var berthPlugin = { actions: {} };" }));
    await put("three/manifest.json", draftManifest({ id: "acme.demo", version: "9.0.0" }));
    await put("apart.berth", makePackage({ id: "acme.apart" }));
    const host = await open();
    const { found } = await host.discover();
    assert.deepEqual(
      found.map(({ id, claimants }) => [id, claimants]),
      [
        ["acme.apart", 1],
        ["acme.demo", 3],
        ["acme.demo", 3],
        ["acme.demo", 3],
      ],
    );
    assert.equal(new Set(found.map(({ path }) => path)).size, 4);
  }));

test("of 10,000 entries and more, so many are looked at as may be, and it is said that there are others", () =>
  withDrop(async ({ folder, put, open }) => {
    await Promise.all(Array.from({ length: 10_001 }, (_, n) => writeFile(join(folder, `${n}.txt`), "")));
    const host = await open();
    assert.deepEqual(
      (await host.discover()).folders.map(({ isWhole }) => isWhole),
      [false],
    );
    for (let n = 0; n < 10_001; n += 1) await rm(join(folder, `${n}.txt`));
    await Promise.all(Array.from({ length: 1_100 }, (_, n) => put(`${n}/manifest.json`, draftManifest())));
    await put("good.berth", makePackage());
    const { folders, found } = await host.discover();
    assert.deepEqual(
      folders.map(({ isWhole }) => isWhole),
      [false],
    );
    assert.deepEqual([found.length, found.filter(({ kind }) => kind === "package").length], [1_001, 1]);
  }));

test("names that drive a terminal, are no text or look like options are told as they are", onLinux, () =>
  withDrop(async ({ folder, put, open }) => {
    const names = [
      "\u001b[2J\u009b31m\r\n.berth",
      "\u202egnp.berth",
      "--yes.berth",
      "; rm -rf x.berth",
      "\u{10ffff}.berth",
    ];
    for (const name of names) await put(name, makePackage());
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe]), Buffer.from(".berth")]), "");
    const host = await open();
    const { found } = await host.discover();
    assert.deepEqual(
      names.filter((name) => byName(found).get(name)?.id !== "acme.demo"),
      [],
    );
    const strange = found.filter(({ id }) => id === undefined);
    assert.deepEqual(
      strange.map(({ error }) => error?.code),
      ["HOST_DISCOVERY_UNREADABLE"],
    );
    for (const { error } of strange) assert.doesNotMatch(error?.message ?? "", /\p{C}/u);
  }),
);

/** Searches alone, without a host, within other limits or by another policy. */
function searchWithin(
  limits: Partial<DiscoveryLimits>,
  folder: string,
  policy = completePolicy({}),
): ReturnType<Discoveries["discover"]> {
  const searches = new Discoveries(
    {
      pluginFolders: [folder],
      plugins: { find: () => undefined },
      keys: { list: () => Promise.resolve([]) },
      policy,
      engines: [isolate()],
      now: () => new Date(),
      developments: { list: () => [] },
    },
    { names: 100, found: 100, folderMs: 60_000, entryMs: 60_000, refusalChars: 60_000, ...limits },
  );
  return searches.discover();
}

test("a refusal is told in few words, however much of it a stranger wrote", () =>
  withDrop(async ({ put, open }) => {
    const long = { ["x".repeat(255_000)]: 1 };
    for (const n of [1, 2, 3]) {
      await put(`${n}/manifest.json`, draftManifest(long));
      const packed = packPackage({ files: [{ path: "manifest.json", bytes: Buffer.from(draftManifest(long)) }] });
      await put(`${n}.berth`, packed.bytes);
    }
    const host = await open();
    const { found } = await host.discover();
    assert.deepEqual([...new Set(Object.values(codesOf(found)))], ["SPEC_MANIFEST_INVALID"]);
    assert.equal(found.length, 6);
    for (const { error } of found) {
      assert.deepEqual(Object.keys(error ?? {}), ["code", "message"]);
      assert.match(error?.message ?? "", /unknown member "x+…/);
    }
    assert.ok(JSON.stringify(found).length < found.length * 2_000);
  }));

test("what the refusals of a folder say has a bound in all; their codes are told all the same", () =>
  withDrop(async ({ folder, put }) => {
    const mistakes = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`${"x".repeat(60)}${n}`, 1]));
    for (let n = 10; n < 40; n += 1) await put(`${n}/manifest.json`, draftManifest(mistakes));
    const { found } = await searchWithin({ refusalChars: 10_000 }, folder);
    const lengths = found.map(({ error }) => error?.message.length);
    assert.deepEqual(lengths, [...Array<number>(4).fill(2_001), ...Array<number>(26).fill(101)]);
    assert.ok(found.every(({ error }) => error?.code === "SPEC_MANIFEST_INVALID"));
  }));

test("what strangers ask for is compared with no ceiling of the operator's, only with what refuses it", () =>
  withDrop(async ({ folder, put }) => {
    const asked = { name: "file_system_read", roots: ["project/**"], globs: ["**"], reason: "x" };
    const globs = Array.from({ length: 32 }, (_, n) => `${"*/a*b*".repeat(8)}${n}`);
    const permissions = Array.from({ length: 28 }, (_, n) => ({ ...asked, globs, roots: [`/srv/${n}`] }));
    await put("asks.berth", makePackage({ manifest: { permissions } }));
    let compared = 0;
    const ceiling = {
      get name(): "file_system_read" {
        compared += 1;
        return "file_system_read";
      },
      roots: ["/srv"],
      globs: ["**/x"],
    } as unknown as Permission;
    const policy: Policy = { ...completePolicy({}), ceilings: [ceiling] };
    const codesBy = async (by: Policy): Promise<unknown> => codesOf((await searchWithin({}, folder, by)).found);
    assert.deepEqual(await codesBy(policy), { "asks.berth": undefined });
    assert.equal(compared, 0);
    const denying: Policy = { ...policy, deny: ["file_system_read"] };
    assert.deepEqual(await codesBy(denying), { "asks.berth": "HOST_POLICY_DENIES" });
  }));

const asRoot = {
  skip: process.getuid?.() === 0 ? false : "another user than the folder's, which only root can become",
};

test("a folder whose names may be read and nothing else is told of by a code of ours", asRoot, () =>
  withDrop(async ({ folder }) => {
    await chmod(join(folder, ".."), 0o755);
    await chmod(folder, 0o744);
    // In a process of its own, that stays another user's.
    const source = new URL("../../src/discovery/node-plugin-folder.ts", import.meta.url).href;
    const script = `
      const { PluginFolder } = await import(${JSON.stringify(source)});
      process.setuid(65534);
      const folder = PluginFolder.open(${JSON.stringify(folder)});
      try { folder.list(10, 10); } catch (error) { console.log(error.code, error.message); }`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.match(stdout, /^HOST_DISCOVERY_UNREADABLE the folder ".*drop" cannot be read \(EACCES\)$/m, stderr);
  }),
);

test("what takes too long is told so, and so is what is not opened because of it", () =>
  withDrop(async ({ folder, put }) => {
    await put("one/manifest.json", draftManifest());
    await put("two/manifest.json", draftManifest());
    const late = await searchWithin({ folderMs: 0 }, folder);
    assert.deepEqual(codesOf(late.found), { one: "HOST_DISCOVERY_LIMIT", two: "HOST_DISCOVERY_LIMIT" });
    // A thread does not begin within a millisecond.
    const slow = await searchWithin({ entryMs: 1 }, folder);
    assert.deepEqual(
      slow.folders.map(({ error }) => error?.code),
      ["HOST_DISCOVERY_LIMIT"],
    );
    const few = await searchWithin({ names: 1 }, folder);
    assert.deepEqual([few.found.length, few.folders[0]?.isWhole], [1, false]);
    assert.ok((await stat(join(folder, "two"))).isDirectory());
  }));
