import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import test from "node:test";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

import { endProcessesOf } from "../../src/walls/node-process-users.ts";
import { stageRuntime } from "../../src/walls/node-staged-runtime.ts";
import { UserIdPool, claimUserIds } from "../../src/walls/node-user-id-pool.ts";
import type { Launch } from "../../src/walls/wall.ts";

const skip = process.getuid?.() !== 0 && "only root stages a runtime";

async function withFolder(work: (folder: string, launch: Launch) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-staged-"));
  const source = join(folder, "source");
  await mkdir(source);
  // Small stand-ins: staging does not look into files.
  for (const name of ["node", "entry.cjs", "guest.js"]) await writeFile(join(source, name), `the file ${name}`);
  const launch: Launch = {
    executable: join(source, "node"),
    nodeFlags: ["--flag"],
    entry: join(source, "entry.cjs"),
    files: [{ name: "guest.js", source: join(source, "guest.js") }],
  };
  try {
    await work(folder, launch);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("copies everything into a folder named by its contents, readable by all and changeable by nobody", { skip }, () =>
  withFolder(async (folder, launch) => {
    const staged = await stageRuntime(launch, join(folder, "runtime"));
    const target = dirname(staged.entry);
    assert.match(target, /\/runtime\/[0-9a-f]{64}$/);
    assert.deepEqual((await readdir(target)).toSorted(), ["entry.cjs", "guest.js"]);
    assert.deepEqual(await readdir(dirname(staged.executable)), ["node"]);
    assert.deepEqual(
      new Set(await readdir(join(folder, "runtime"))),
      new Set([target, dirname(staged.executable)].map((path) => basename(path))),
      "nothing unfinished is left",
    );
    assert.equal(basename(staged.executable), "node");
    assert.deepEqual(staged.files, [{ name: "guest.js", source: join(target, "guest.js") }]);
    assert.equal(await readFile(staged.entry, "utf8"), "the file entry.cjs");
    const modes = await Promise.all(
      [target, staged.executable, staged.entry].map(async (path) => (await lstat(path)).mode & 0o777),
    );
    assert.deepEqual(modes, [0o755, 0o555, 0o444]);
    assert.deepEqual(await stageRuntime(launch, join(folder, "runtime")), staged, "used again as it is");
  }),
);

test("other contents get another folder", { skip }, () =>
  withFolder(async (folder, launch) => {
    const first = await stageRuntime(launch, join(folder, "runtime"));
    await writeFile(launch.entry, "another entry");
    const second = await stageRuntime(launch, join(folder, "runtime"));
    assert.notEqual(dirname(first.entry), dirname(second.entry));
    assert.equal(first.executable, second.executable, "Node is there once");
  }),
);

test("two programs that stage at once both get the same whole folder", { skip }, () =>
  withFolder(async (folder, launch) => {
    const both = await Promise.all([1, 2, 3].map(() => stageRuntime(launch, join(folder, "runtime"))));
    assert.equal(new Set(both.map(({ entry }) => entry)).size, 1);
    assert.equal((await readdir(join(folder, "runtime"))).length, 2);
  }),
);

const damages: Readonly<Record<string, (target: string) => Promise<void>>> = {
  "a changed file": async (target) => {
    await rm(join(target, "guest.js"));
    await writeFile(join(target, "guest.js"), "THE FILE guest.js", { mode: 0o444 });
  },
  "a file too many": (target) => writeFile(join(target, "more.js"), "", { mode: 0o444 }),
  "a missing file": (target) => rm(join(target, "guest.js")),
  "a link in place of a file": async (target) => {
    await copyFile(join(target, "guest.js"), join(target, "../same.js"));
    await rm(join(target, "guest.js"));
    await symlink(join(target, "../same.js"), join(target, "guest.js"));
  },
  "a file that is not root's": (target) => chown(join(target, "guest.js"), 65_534, 65_534),
  "a file that others may write to": (target) => chmod(join(target, "guest.js"), 0o666),
  "a folder that others may write to": (target) => chmod(target, 0o777),
  "a folder that is not root's": (target) => chown(target, 65_534, 65_534),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`refuses a staged runtime with ${what}`, { skip }, () =>
    withFolder(async (folder, launch) => {
      const { entry } = await stageRuntime(launch, join(folder, "runtime"));
      await damage(dirname(entry));
      await assert.rejects(stageRuntime(launch, join(folder, "runtime")), Error);
    }),
  );
}

test("a second name for a file, which lets nobody else change it, is no reason to refuse", { skip }, () =>
  withFolder(async (folder, launch) => {
    const staged = await stageRuntime(launch, join(folder, "runtime"));
    await link(join(dirname(staged.entry), "guest.js"), join(folder, "second.js"));
    assert.deepEqual(await stageRuntime(launch, join(folder, "runtime")), staged);
  }),
);

test("refuses a place that others can change, or that is reached through a link", { skip }, () =>
  withFolder(async (folder, launch) => {
    await mkdir(join(folder, "open"));
    await chmod(join(folder, "open"), 0o777);
    await assert.rejects(stageRuntime(launch, join(folder, "open/runtime")), /others than root may write/);
    await mkdir(join(folder, "real"));
    await symlink(join(folder, "real"), join(folder, "linked"));
    await assert.rejects(stageRuntime(launch, join(folder, "linked/runtime")), /is no folder/);
    await mkdir(join(folder, "theirs"));
    await chown(join(folder, "theirs"), 65_534, 65_534);
    await assert.rejects(stageRuntime(launch, join(folder, "theirs/runtime")), /belongs to user 65534/);
    await assert.rejects(stageRuntime(launch, "runtime"), /no plain absolute path/);
    await assert.rejects(stageRuntime(launch, `${folder}/../x/runtime`), /no plain absolute path/);
  }),
);

test("refuses a source that is a link", { skip }, () =>
  withFolder(async (folder, launch) => {
    await symlink(launch.entry, join(folder, "entry.cjs"));
    await assert.rejects(stageRuntime({ ...launch, entry: join(folder, "entry.cjs") }, join(folder, "runtime")), {
      code: "ELOOP",
    });
  }),
);

test("hands out every user id once, and again when it is given back", () => {
  const pool = new UserIdPool({ first: 100_000, count: 3 });
  const taken = [pool.take(), pool.take(), pool.take()];
  assert.deepEqual(taken, [100_000, 100_001, 100_002]);
  assert.throws(() => pool.take(), RangeError);
  pool.giveBack(100_001);
  assert.equal(pool.take(), 100_001);
});

test("claims user ids that no process has and no other living program claimed", { skip }, () =>
  withFolder(async (folder) => {
    const claims = join(folder, "user-ids");
    const range = { first: 0x7200_0000, count: 2_048 };
    // Of two blocks, one is claimed by a program that lives (process 1), and one by a program that is gone.
    const startOf1 = (await readFile("/proc/1/stat", "latin1")).split(") ")[1]?.split(" ")[19];
    await mkdir(claims);
    await writeFile(join(claims, String(range.first)), `1 ${startOf1}`);
    await writeFile(join(claims, String(range.first + 1_024)), "1 1");
    const pool = await claimUserIds(range, claims);
    assert.equal(pool.take(), range.first + 1_024);
    await assert.rejects(claimUserIds(range, claims), /no block of 1024 unused user ids/, "its own claim counts, too");
  }),
);

test("refuses ranges that are too small, or root's", { skip }, () =>
  withFolder(async (folder) => {
    await assert.rejects(claimUserIds({ first: 0x7200_0000, count: 10 }, join(folder, "ids")), Error);
    await assert.rejects(claimUserIds({ first: 0, count: 2_048 }, join(folder, "ids")), Error);
    await assert.rejects(claimUserIds({ first: 4_294_967_295, count: 2_048 }, join(folder, "ids")), /do not exist/);
  }),
);

test("of many programs that find a stale claim at once, one gets the block", { skip }, () =>
  withFolder(async (folder) => {
    const claims = join(folder, "user-ids");
    await mkdir(claims);
    for (let round = 0; round < 20; round += 1) {
      const range = { first: 0x7200_0000 + round * 1_024, count: 1_024 };
      await writeFile(join(claims, String(range.first)), "1 1");
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => claimUserIds(range, claims)));
      assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1, `round ${round}`);
    }
    assert.ok((await readdir(claims)).every((name) => !name.endsWith(".takeover")));
  }),
);

test("lets no claim be seen without its owner, which would make it anybody's", { skip }, () =>
  withFolder(async (folder) => {
    const claims = join(folder, "user-ids");
    let isClaiming = true;
    const watching = (async (): Promise<string[]> => {
      const seen: string[] = [];
      while (isClaiming) {
        const names = existsSync(claims) ? readdirSync(claims).filter((name) => /^\d+$/.test(name)) : [];
        seen.push(...names.map((name) => readFileSync(join(claims, name), "latin1")));
        await nextTurn();
      }
      return seen;
    })();
    for (let round = 0; round < 20; round += 1)
      await claimUserIds({ first: 0x7200_0000 + round * 1_024, count: 1_024 }, claims);
    isClaiming = false;
    const seen = await watching;
    assert.ok(seen.length > 0);
    assert.ok(seen.every((owner) => /^\d+ \d+$/.test(owner)));
  }),
);

test("makes its folders passable whatever the umask", { skip }, () =>
  withFolder(async (folder, launch) => {
    const program = `
      import { stageRuntime } from ${JSON.stringify(join(import.meta.dirname, "../../src/walls/node-staged-runtime.ts"))};
      process.umask(0o077);
      await stageRuntime(${JSON.stringify(launch)}, ${JSON.stringify(join(folder, "a/b/runtime"))});`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    assert.deepEqual(await once(child, "exit"), [0, null]);
    for (const path of ["a", "a/b", "a/b/runtime"])
      assert.equal((await lstat(join(folder, path))).mode & 0o777, 0o755, path);
  }),
);

test("ends everything that a user has started before the user passes on", { skip }, async () => {
  const userId = 0x7300_0001;
  // A process that leaves its parent behind, as a hostile one would; both end by themselves after a while.
  const program = `
    require("node:child_process").spawn(process.execPath, ["-e", "setTimeout(() => 0, 20_000)"], { detached: true, stdio: "ignore" });
    setTimeout(() => 0, 20_000);`;
  const child = spawn(process.execPath, ["-e", program], { uid: userId, gid: userId, stdio: "ignore" });
  const count = async (): Promise<number> => {
    let found = 0;
    for (const pid of await readdir("/proc")) {
      const status = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
      if (status.includes(`Uid:\t${userId}\t`) && !/^State:\s+Z/m.test(status)) found += 1;
    }
    return found;
  };
  for (let tries = 0; tries < 500 && (await count()) < 2; tries += 1) await wait(20);
  assert.equal(await count(), 2);
  child.kill("SIGKILL");
  assert.equal(await endProcessesOf(userId), true);
  assert.equal(await count(), 0);
});
