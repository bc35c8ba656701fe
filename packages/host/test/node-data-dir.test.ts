import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, chown, lstat, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { openHost } from "@berth/host";

import { makeFolders } from "../src/node-data-dir.ts";
import { install, withHost } from "./fixture.ts";

const onWindows = process.platform === "win32" && "Windows has no mode bits";
const notLinux = process.platform !== "linux" && "needs /proc";

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-data-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function open(dataDir: string): Promise<void> {
  await (await openHost({ dataDir, engines: [] })).close();
}

test("refuses a data directory that others may write to, until they may not", { skip: onWindows }, () =>
  withFolder(async (folder) => {
    for (const mode of [0o777, 0o770, 0o702, 0o1777]) {
      await chmod(folder, mode);
      await assert.rejects(open(folder), {
        code: "HOST_DATA_DIR_OPEN",
        message: new RegExp(`mode ${mode.toString(8)}`),
      });
      assert.deepEqual(await readdir(folder), [], "nothing was written there");
    }
    await chmod(folder, 0o755);
    await open(folder);
  }),
);

test(
  "refuses a data directory of somebody else",
  { skip: onWindows || (process.getuid?.() !== 0 && "only root can give a folder away") },
  () =>
    withFolder(async (folder) => {
      await chown(folder, 65_534, 65_534);
      await assert.rejects(open(folder), { code: "HOST_DATA_DIR_OPEN", message: /belongs to the user 65534/ });
    }),
);

test("does not write its process id through a link", { skip: onWindows }, () =>
  withFolder(async (folder) => {
    const target = join(folder, "precious");
    await writeFile(target, "keep me");
    const dataDir = join(folder, "data");
    await open(dataDir);
    await rm(join(dataDir, "owner.pid"));
    await symlink(target, join(dataDir, "owner.pid"));
    await assert.rejects(open(dataDir), { code: "HOST_DATA_DIR_UNUSABLE", message: /ELOOP/ });
    assert.equal(await readFile(target, "utf8"), "keep me");
    assert.ok((await lstat(join(dataDir, "owner.pid"))).isSymbolicLink());
  }),
);

test("says with the system's code why a data directory cannot be used", { skip: onWindows }, () =>
  withFolder(async (folder) => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await assert.rejects(open(join(file, "data")), { code: "HOST_DATA_DIR_UNUSABLE", message: /\(ENOTDIR\)/ });
    const dataDir = join(folder, "data");
    await makeFolders(join(dataDir, "host.sqlite"), 0o700);
    await assert.rejects(open(dataDir), { code: "HOST_DATA_DIR_UNUSABLE", message: /\(EISDIR\)/ });
  }),
);

test("a folder below /proc is refused, not waited for", { skip: notLinux }, () => {
  // In a process of its own: what is tested once ran for ever, and no timer ends that.
  const script = `const { openHost } = await import(${JSON.stringify(import.meta.resolve("@berth/host"))});
    for (const dataDir of ["/proc/x", "/proc/x/y/z"])
      await openHost({ dataDir, engines: [] }).catch(({ code, message }) => console.log(code, message));`;
  const { stdout, signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  assert.equal(signal, null);
  assert.match(stdout, /^(HOST_DATA_DIR_UNUSABLE .*\(ENOENT\)\n){2}$/);
});

test("folders are made with every folder above them, once", () =>
  withFolder(async (folder) => {
    const deep = join(folder, "a", "b", "c");
    await Promise.all([makeFolders(deep, 0o700), makeFolders(deep, 0o700)]);
    assert.ok((await lstat(deep)).isDirectory());
  }));

test("what others put into the folder of packages stays there", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await host.close();
    const packages = join(dataDir, "packages");
    const [ours = ""] = await readdir(packages);
    const foreign = ["acme.demo-1.0.0.berth", "notes.staged", `${"g".repeat(64)}.berth`, `${"a".repeat(64)}.berth.old`];
    const left = [`${"a".repeat(64)}.berth`, `${"b".repeat(64)}.berth.4711.staged`];
    for (const name of [...foreign, ...left]) await writeFile(join(packages, name), "x");
    await open(dataDir);
    assert.deepEqual((await readdir(packages)).toSorted(), [ours, ...foreign].toSorted());
  }));
