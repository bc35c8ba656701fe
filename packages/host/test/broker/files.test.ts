import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  link,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { Host, HostOptions } from "@berth/host";
import fc from "fast-check";

import { VaultKeyFiles } from "../../src/broker/node-vault-key.ts";
import { fitsGlob } from "../../src/rights/glob.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const skip = process.platform !== "linux" && "files need Linux";
const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async ask([method, ...args], ctx) {
    try {
      const answer = await ctx.files[method](...args);
      return { ok: answer instanceof Uint8Array ? new TextDecoder().decode(answer) : (answer ?? null) };
    } catch (error) { return { code: error.code ?? error.name, ...error.details }; }
  },
} };`;

type Ask = (...request: unknown[]) => Promise<unknown>;

/** A plugin that may read and write below `root`, beside a folder that it may not touch. */
async function withFiles(
  work: (ask: Ask, root: string, outside: string, host: Host<string>, dataDir: string) => Promise<void>,
  more: { read?: object; write?: object; options?: Partial<HostOptions<string>> } = {},
): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-files-")));
  const root = join(folder, "root");
  const outside = join(folder, "outside");
  await mkdir(join(root, "sub"), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, "secret.txt"), "outside");
  await writeFile(join(root, "a.txt"), "inside");
  try {
    await withHost(async (host, dataDir) => {
      const reason = "to test";
      const permissions = [
        { name: "file_system_read", roots: [root], reason, ...more.read },
        { name: "file_system_write", roots: [root], create: true, delete: true, reason, ...more.write },
      ];
      await install(
        host,
        makePackage({ code: CODE, manifest: { permissions, contributes: { actions: { ask: any } } } }),
      );
      await work((...request) => host.call("acme.demo", "ask", request), root, outside, host, dataDir);
    }, more.options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test(
  "an update that moves its folder below the granted one asks again: its globs mean other files there",
  { skip },
  () =>
    withFiles(
      async (ask, root, _outside, host) => {
        assert.deepEqual(await ask("read", `${root}/a.txt`), { ok: "inside" });
        await writeFile(join(root, "sub", "private.txt"), "not agreed to");
        const moved = { name: "file_system_read", roots: [`${root}/sub`], globs: ["*.txt"], reason: "to test" };
        const plan = await host.plan(
          makePackage({
            version: "1.1.0",
            code: CODE,
            manifest: { permissions: [moved], contributes: { actions: { ask: any } } },
          }),
        );
        assert.deepEqual(
          plan.permissions.map(({ isGranted }) => isGranted),
          [false],
        );
        await assert.rejects(host.install(plan, { grant: [] }), { code: "HOST_CONSENT_MISSING" });
      },
      { read: { globs: ["*.txt"] } },
    ),
);

test("reads, lists, writes, makes folders and deletes below a granted folder", { skip }, () =>
  withFiles(async (ask, root) => {
    assert.deepEqual(await ask("read", `${root}/a.txt`), { ok: "inside" });
    assert.deepEqual(await ask("write", `${root}/sub/b.txt`, "new", { create: true }), { ok: null });
    assert.deepEqual(await ask("write", `${root}/sub/b.txt`, "changed"), { ok: null });
    assert.equal(await readFile(join(root, "sub/b.txt"), "utf8"), "changed");
    assert.deepEqual(await ask("makeFolder", `${root}/new`), { ok: null });
    assert.deepEqual(await ask("list", root), {
      ok: [
        { name: "a.txt", kind: "file" },
        { name: "new", kind: "folder" },
        { name: "sub", kind: "folder" },
      ],
    });
    assert.deepEqual(await ask("delete", `${root}/sub/b.txt`), { ok: null });
    assert.deepEqual(await ask("delete", `${root}/new`), { ok: null });
    assert.deepEqual((await ask("delete", root)) as { code: string }, { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await ask("read", `${root}/gone`), { code: "BROKER_FILE_MISSING" });
    assert.deepEqual((await readdir(join(root, "sub"))).length, 0, "nothing staged is left");
  }),
);

test("no spelling of a path leads out of the folder", { skip }, () =>
  withFiles(async (ask, root, outside) => {
    const codeOf = async (...request: unknown[]): Promise<unknown> =>
      ((await ask(...request)) as { code?: string }).code;
    for (const path of [
      `${root}/../outside/secret.txt`,
      `${root}/sub/../../outside/secret.txt`,
      `${root}/./a.txt`,
      `${root}//a.txt`,
      `${root}/a.txt/`,
      `${root}/a.txt\0.png`,
      `${root}/\ud800`,
      `${root}/${"x".repeat(256)}`,
      `/${"x/".repeat(3_000)}`,
      "a.txt",
      "",
      ".",
      `file://${root}/a.txt`,
      7,
      null,
      { toString: "/etc/passwd" },
    ])
      assert.equal(await codeOf("read", path), "BROKER_REQUEST_INVALID", JSON.stringify(path).slice(0, 80));
    for (const path of [
      `${outside}/secret.txt`,
      "/etc/passwd",
      `${root}x/a.txt`,
      `/proc/self/environ`,
      root.toUpperCase(),
    ])
      assert.equal(await codeOf("read", path), "BROKER_DENIED", path);
  }),
);

test("links are not followed, wherever they stand, and writing replaces them", { skip }, () =>
  withFiles(async (ask, root, outside) => {
    await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
    await symlink(outside, join(root, "folder"));
    await symlink("/proc/self/environ", join(root, "environ"));
    for (const path of ["link.txt", "folder/secret.txt", "environ"])
      assert.deepEqual(await ask("read", `${root}/${path}`), { code: "BROKER_FILE_REFUSED" }, path);
    assert.deepEqual(await ask("list", `${root}/folder`), { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await ask("write", `${root}/folder/x`, "x", { create: true }), { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await ask("write", `${root}/link.txt`, "x", { create: true }), { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await readdir(outside), ["secret.txt"]);
    assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "outside");
  }),
);

test("a link that is swapped in during the calls never leads out", { skip }, () =>
  withFiles(async (ask, root, outside) => {
    await mkdir(join(root, "real"));
    await writeFile(join(root, "real/secret.txt"), "inside");
    let isSwapping = true;
    const swapping = (async () => {
      while (isSwapping) {
        await rename(join(root, "real"), join(root, "away"));
        await symlink(outside, join(root, "real"));
        await unlink(join(root, "real"));
        await rename(join(root, "away"), join(root, "real"));
      }
    })();
    const seen = new Set<string>();
    for (let round = 0; round < 300; round += 1) {
      const answer = (await ask("read", `${root}/real/secret.txt`)) as { ok?: string; code?: string };
      seen.add(answer.ok ?? answer.code ?? "");
    }
    isSwapping = false;
    await swapping;
    assert.ok(!seen.has("outside"), [...seen].join(", "));
    assert.ok(seen.has("inside"), [...seen].join(", "));
  }),
);

test("pipes and devices are no files, and nobody waits for them", { skip }, () =>
  withFiles(async (ask, root) => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    assert.deepEqual(await ask("read", `${root}/pipe`), { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await ask("write", `${root}/pipe`, "x"), { code: "BROKER_FILE_REFUSED" });
    assert.deepEqual(await ask("read", `${root}/sub`), { code: "BROKER_FILE_REFUSED" });
  }),
);

test("globs, sizes, the quota and the switches of a grant hold", { skip }, () =>
  withFiles(
    async (ask, root) => {
      await writeFile(join(root, "b.csv"), "1,2");
      await writeFile(join(root, "sub/c.csv"), "x".repeat(20));
      assert.deepEqual(await ask("read", `${root}/b.csv`), { ok: "1,2" });
      assert.deepEqual(await ask("list", root), {
        ok: [
          { name: "b.csv", kind: "file" },
          { name: "sub", kind: "folder" },
        ],
      });
      const denied = (parameter: string, permission: string): object => ({
        code: "BROKER_DENIED",
        term: "manifest",
        permission,
        parameter,
      });
      assert.deepEqual(await ask("read", `${root}/a.txt`), denied("globs", "file_system_read"));
      assert.deepEqual(await ask("read", `${root}/sub/c.csv`), { code: "BROKER_QUOTA_EXCEEDED" });
      assert.deepEqual(
        await ask("write", `${root}/n.csv`, "x", { create: true }),
        denied("create", "file_system_write"),
      );
      assert.deepEqual(await ask("delete", `${root}/a.txt`), denied("delete", "file_system_write"));
      assert.deepEqual(await ask("write", `${root}/n.csv`, "x"), { code: "BROKER_FILE_MISSING" });
      assert.deepEqual(await ask("write", `${root}/a.txt`, "12345"), { ok: null });
      assert.deepEqual(await ask("write", `${root}/a.txt`, "12345"), { code: "BROKER_QUOTA_EXCEEDED" });
    },
    { read: { globs: ["**/*.csv"], maxBytes: 10 }, write: { create: false, delete: false, quotaBytes: 130 } },
  ),
);

test("empty files and folders use up the quota too, and no grant reads more than 16 MiB at once", { skip }, () =>
  withFiles(
    async (ask, root) => {
      assert.deepEqual(await ask("makeFolder", `${root}/one`), { ok: null });
      assert.deepEqual(await ask("write", `${root}/two`, "", { create: true }), { ok: null });
      assert.deepEqual(await ask("makeFolder", `${root}/three`), { code: "BROKER_QUOTA_EXCEEDED" });
      assert.deepEqual(await ask("write", `${root}/four`, "", { create: true }), { code: "BROKER_QUOTA_EXCEEDED" });
      await writeFile(join(root, "large"), "");
      await truncate(join(root, "large"), 16 * 1_048_576 + 1);
      assert.deepEqual(await ask("read", `${root}/large`), { code: "BROKER_QUOTA_EXCEEDED" });
    },
    { read: { maxBytes: 1_099_511_627_776 }, write: { quotaBytes: 130 } },
  ),
);

test("what the host keeps is out of reach, even under a grant for everything", { skip }, () =>
  withFiles(
    async (ask, _root, _outside, _host, dataDir) => {
      const kept = await realpath(dataDir);
      assert.deepEqual(await ask("read", `${kept}/host.sqlite`), { code: "BROKER_FILE_REFUSED" });
      assert.deepEqual(await ask("list", `${kept}/packages`), { code: "BROKER_FILE_REFUSED" });
      assert.deepEqual(await ask("write", `${kept}/owner.pid`, "1"), { code: "BROKER_FILE_REFUSED" });
    },
    { read: { roots: ["/"] }, write: { roots: ["/"] } },
  ),
);

test(
  "the operator's key is out of reach wherever it is kept, under any name, also before it is there",
  { skip },
  async () => {
    const keys = await realpath(await mkdtemp(join(tmpdir(), "berth-keys-")));
    const operatorKeyFile = join(keys, "operator.agekey");
    const refused = { code: "BROKER_FILE_REFUSED" };
    try {
      await withFiles(
        async (ask, root, _outside, _host, dataDir) => {
          assert.deepEqual(await ask("write", operatorKeyFile, "AGE-SECRET-KEY-1MINE", { create: true }), refused);
          await new VaultKeyFiles(dataDir, operatorKeyFile).open(undefined, false);
          await link(operatorKeyFile, join(root, "second-name"));
          for (const path of [operatorKeyFile, join(root, "second-name")]) {
            assert.deepEqual(await ask("read", path), refused);
            assert.deepEqual(await ask("write", path, "AGE-SECRET-KEY-1MINE"), refused);
            assert.deepEqual(await ask("delete", path), refused);
          }
          assert.match(await readFile(operatorKeyFile, "utf8"), /^AGE-SECRET-KEY-/);
          assert.deepEqual(await ask("write", join(keys, "beside"), "x", { create: true }), { ok: null });
        },
        { read: { roots: ["/"] }, write: { roots: ["/"] }, options: { operatorKeyFile } },
      );
    } finally {
      await rm(keys, { recursive: true });
    }
  },
);

test("a folder with more files than are told is not read to its end", { skip }, () =>
  withFiles(async (ask, root) => {
    for (let index = 0; index < 1_010; index += 1) await writeFile(join(root, "sub", `f${index}`), "");
    const { ok } = (await ask("list", join(root, "sub"))) as { ok: unknown[] };
    assert.equal(ok.length, 1_000);
  }),
);

test("many roots and globs that are slow together are refused before they stall anybody", { skip }, () => {
  const long = Array.from({ length: 15 }, () => "a".repeat(250));
  // Roots within one another, so that a path lies in all of them.
  const roots = ["/", ...[1, 2, 3].map((depth) => `/${long.slice(0, depth).join("/")}`)];
  const globs = Array.from({ length: 32 }, (_, index) => `**/*${"a".repeat(120 + index)}b`);
  return withFiles(
    async (ask) => {
      assert.deepEqual(await ask("read", `/${long.join("/")}/c`), { code: "BROKER_QUOTA_EXCEEDED" });
      assert.deepEqual(await ask("read", "/etc/c"), {
        code: "BROKER_DENIED",
        term: "manifest",
        permission: "file_system_read",
        parameter: "globs",
      });
    },
    { read: { roots, globs } },
  );
});

test("globs mean what they say, in a time that a hostile one cannot stretch", () => {
  for (const [path, glob, fits] of [
    ["a.csv", "*.csv", true],
    ["x/a.csv", "*.csv", false],
    ["x/a.csv", "**/*.csv", true],
    ["a.csv", "**/*.csv", true],
    ["x/y/z", "**", true],
    ["x/y/z", "x/**/z", true],
    ["x/z", "x/**/z", true],
    ["xz", "x?", true],
    ["x", "x?", false],
    ["a/b", "a*b", false],
    ["(a)", "(a)", true],
    ["[ab]", "[ab]", true],
    ["a", "[ab]", false],
  ] as const)
    assert.equal(fitsGlob(path, glob), fits, `${path} ${glob}`);
  // A matcher that backtracks would not end here.
  assert.equal(fitsGlob("a".repeat(4_000), `${"*a".repeat(100)}b`), false);
  assert.equal(fitsGlob("a/".repeat(1_000), `${"**/*a/".repeat(40)}b`), false);
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab.]{1,4}$/), { minLength: 1, maxLength: 5 }), (parts) => {
      const path = parts.join("/");
      assert.ok(fitsGlob(path, path) && fitsGlob(path, "**") && fitsGlob(path, parts.map(() => "*").join("/")));
      assert.ok(!fitsGlob(path, `${path}/x`));
    }),
  );
});
