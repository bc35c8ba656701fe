import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import type { Duplex } from "node:stream";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { encodeValue } from "@berth/wire";

import { isolate } from "../../../../engines/isolate/src/index.ts";
import { SandboxError } from "../../src/errors.ts";
import { Sandbox } from "../../src/node-sandbox.ts";
import { Supervisor } from "../../src/node-supervisor.ts";
import { chooseWall, machineWalls } from "../../src/walls/node-machine-walls.ts";
import { interpreterOf, linkedLibraries } from "../../src/walls/node-linked-libraries.ts";
import { ResourceGroup, findGroupPlace } from "../../src/walls/node-resource-group.ts";
import { spawnDescribed } from "../../src/walls/node-spawn.ts";
import type { Wall, WallOffer } from "../../src/walls/wall.ts";

const walls = await machineWalls(isolate());
const isRoot = process.getuid?.() === 0;
/** Whether a process is there and not merely waiting for its parent to take note of its end. */
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));

async function withSandbox(wall: Wall, work: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const sandbox = new Sandbox(isolate(), { wall, groupPlace: walls.groupPlace });
  try {
    await sandbox.ready;
    await work(sandbox);
  } finally {
    sandbox.end("closed");
  }
}

/** One line of /proc/PID/status, without its name. */
function statusOf(pid: number, name: string, thread?: string): string {
  const status = readFileSync(`/proc/${pid}/${thread === undefined ? "" : `task/${thread}/`}status`, "latin1");
  return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim() ?? assert.fail(name);
}

const offers: readonly [which: string, offer: WallOffer][] = [
  ["basic", walls.basic],
  ["full", walls.full],
];
for (const [which, offer] of offers) {
  const skip = offer.kind === "missing" && offer.missing.why;
  const tryOut = (sentence: string, work: (sandbox: Sandbox) => Promise<void>): void =>
    void test(`the ${which} wall ${sentence}`, { skip }, () =>
      withSandbox(offer.kind === "offered" ? offer.wall : assert.fail(), work),
    );

  tryOut("never runs anything as root, and gives no group and no capability", async ({ pid }) => {
    const users = [...statusOf(pid, "Uid").split(/\s+/), ...statusOf(pid, "Gid").split(/\s+/)].map(Number);
    if (isRoot)
      assert.ok(
        users.every((id) => id >= 0x7100_0000 && id < 0x7101_0000),
        users.join(),
      );
    else assert.ok(users.every((id) => id !== 0));
    if (isRoot) assert.equal(statusOf(pid, "Groups"), "");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
      assert.equal(BigInt(`0x${statusOf(pid, set)}`), 0n, set);
    // Each thread has its own: from one without it, programs with more rights could be run.
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      assert.equal(statusOf(pid, "NoNewPrivs", thread), "1", thread);
      assert.equal(statusOf(pid, "Seccomp", thread), "2", thread);
    }
  });

  tryOut("has no terminal to read from, write to or type into", async ({ pid }) => {
    // session and tty_nr of proc(5).
    const ofTerminal = (process: number | string): (string | undefined)[] => {
      const stat = readFileSync(`/proc/${process}/stat`, "latin1");
      return stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(3, 5);
    };
    const [session, terminal] = ofTerminal(pid);
    assert.notEqual(session, ofTerminal("self")[0]);
    assert.equal(terminal, "0");
  });

  tryOut("has limits that cannot be raised", async ({ pid }) => {
    const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
    const of = (name: string): string[] => new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, "m").exec(limits)?.slice(1) ?? [];
    assert.deepEqual(of("Max core file size"), ["0", "0"]);
    assert.deepEqual(of("Max file size"), ["0", "0"]);
    assert.deepEqual(of("Max open files"), ["64", "64"]);
    if (which === "full" || isRoot) assert.deepEqual(of("Max processes"), ["64", "64"]);
  });

  tryOut("lets its parent see memory and processor time of Node itself", async (sandbox) => {
    assert.ok(sandbox.pid > 1);
    assert.match(statusOf(sandbox.pid, "Name"), /node|MainThread/);
    assert.ok((sandbox.usage().cpuMs ?? 0) > 0);
    assert.ok(Number.parseInt(statusOf(sandbox.pid, "VmRSS"), 10) > 10_000);
  });

  tryOut("goes with its launcher when it is ended", async (sandbox) => {
    sandbox.end("closed");
    for (let tries = 0; tries < 500 && isAlive(sandbox.pid); tries += 1) await wait(10);
    assert.ok(!isAlive(sandbox.pid));
  });

  const endings: readonly [when: string, cause: (pipe: Duplex) => void, code: number][] = [
    ["its pipe has ended", (pipe) => void pipe.destroy(), 0],
    ["it was told nonsense", (pipe) => void pipe.write(new Uint8Array(64).fill(255)), 1],
  ];
  for (const [when, cause, code] of endings)
    test(`behind the ${which} wall a sandbox host ends by itself when ${when}`, { skip }, async () => {
      const { child, pipe } = spawnDescribed(offer.kind === "offered" ? offer.wall.describe() : assert.fail());
      pipe.on("error", () => undefined);
      await once(pipe, "data"); // It serves.
      const exit = once(child, "exit");
      cause(pipe);
      try {
        assert.deepEqual(await Promise.race([exit, wait(20_000, "it has not ended")]), [code, null]);
      } finally {
        child.kill("SIGKILL");
      }
    });

  test(`the ${which} wall falls with the embedding program, however that ends`, { skip }, async () => {
    const program = `
      import { isolate } from ${JSON.stringify(join(import.meta.dirname, "../../../../engines/isolate/src/index.ts"))};
      import { Sandbox } from ${JSON.stringify(join(import.meta.dirname, "../../src/node-sandbox.ts"))};
      import { machineWalls } from ${JSON.stringify(join(import.meta.dirname, "../../src/walls/node-machine-walls.ts"))};
      const offer = (await machineWalls(isolate())).${which};
      const sandbox = new Sandbox(isolate(), { wall: offer.wall, groupPlace: undefined });
      await sandbox.ready;
      console.log(sandbox.pid);
      process.kill(process.pid, "SIGKILL");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 30_000,
    });
    const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
    const pid = Number(said);
    assert.ok(pid > 1, said);
    for (let tries = 0; tries < 200 && isAlive(pid); tries += 1) await wait(10);
    assert.ok(!isAlive(pid));
  });
}

const skipFull = walls.full.kind === "missing" && walls.full.missing.why;

test("the full wall has namespaces of its own and both filters", { skip: skipFull }, async () => {
  assert.equal(walls.full.kind, "offered");
  if (walls.full.kind === "offered")
    await withSandbox(walls.full.wall, async ({ pid }) => {
      assert.deepEqual([statusOf(pid, "Seccomp"), statusOf(pid, "Seccomp_filters")], ["2", "2"]);
      // Innermost last: it is the first process of its own namespace.
      assert.equal(statusOf(pid, "NSpid").split(/\s+/).at(-1), "1");
      assert.equal(BigInt(`0x${statusOf(pid, "CapBnd")}`), 0n);
    });
});

test("a user id is given back when its process is gone", { skip: !isRoot && "this test is for root" }, async () => {
  assert.equal(walls.basic.kind, "offered");
  if (walls.basic.kind !== "offered") return;
  const { wall } = walls.basic;
  const seen = new Set<number | undefined>();
  // One more than there are: the last one gets a user that an earlier one gave back.
  for (let count = 0; count < 1_025; count += 1) {
    const description = wall.describe();
    if (seen.has(description.userId)) return;
    seen.add(description.userId);
    if (count < 5) description.release();
    if (count === 5) await wait(2_000); // Until no process of these users was found.
  }
  assert.fail("no user id was given back");
});

test("walls are tried once", async () => {
  assert.equal(machineWalls(isolate()), machineWalls(isolate()));
  assert.notEqual(machineWalls(isolate()), machineWalls(isolate(), { searchPath: "/nonexistent" }));
});

test("a level that needs a wall is refused by code without it", async () => {
  await assert.rejects(chooseWall(isolate(), "isolated", { searchPath: "/nonexistent" }), (error: unknown) => {
    assert.ok(error instanceof SandboxError);
    assert.equal(error.code, "SANDBOX_WALL_MISSING");
    assert.equal(error.kind, "environment");
    return true;
  });
});

test(
  "root without a place for its runtime runs nothing foreign at any level",
  { skip: !isRoot && "for root" },
  async () => {
    for (const level of ["minimal", "standard", "isolated"] as const)
      await assert.rejects(chooseWall(isolate(), level, { runtimeFolder: "/proc/nowhere" }), {
        code: "SANDBOX_WALL_MISSING",
      });
  },
);

test("lists exactly the libraries that Node loads", { skip: process.platform !== "linux" && "Linux" }, async () => {
  const interpreter = await interpreterOf(process.execPath);
  const listed = await linkedLibraries(interpreter, [process.execPath]);
  const loaded = new Set(
    [...readFileSync("/proc/self/maps", "latin1").matchAll(/ (\/\S*\/lib\S*\.so\S*)$/gm)].map(([, path = ""]) =>
      path.split("/").at(-1),
    ),
  );
  const files = new Set(listed.map((path) => basename(realpathSync(path))));
  for (const name of loaded) assert.ok(files.has(name ?? ""), name);
  assert.ok(listed.includes(interpreter));
  await assert.rejects(interpreterOf(import.meta.filename), /no 64-bit ELF program/);
});

const noGroups = walls.groupPlace === undefined && "no control group can be made here";

test(
  "a sandbox host has a control group with its plugins' limits for as long as it lives",
  { skip: noGroups },
  async () => {
    assert.equal(walls.basic.kind, "offered");
    if (walls.basic.kind !== "offered") return;
    const supervisor = new Supervisor();
    const compartment = supervisor.open({
      plugin: "plugin",
      packKey: "group",
      engine: isolate(),
      level: "minimal",
      code: new TextEncoder().encode("var berthPlugin = { actions: { pid: () => 1 } };"),
      sourceName: "plugin.js",
      limits: { memoryMiB: 64, cpuMs: 1_000, wallMs: 10_000 },
      onRequest: () => Promise.resolve(null),
      onLog: () => undefined,
    });
    const group = (): string | undefined =>
      readdirSync(walls.groupPlace?.memory ?? "").find((name) => name.startsWith(`berth-${process.pid}-`));
    try {
      await compartment.call({ action: "pid", input: encodeValue(null), caller: undefined, about: "{}" });
      const name = group() ?? assert.fail("the sandbox host has no group");
      const file = walls.groupPlace?.version === 2 ? "memory.max" : "memory.limit_in_bytes";
      const limit = readFileSync(join(walls.groupPlace?.memory ?? "", name, file), "latin1");
      // The plugin's own, and what a process may grow by besides.
      assert.ok(Number(limit) > 64 * 1_048_576 && Number(limit) <= 512 * 1_048_576, limit);
      assert.equal(readFileSync(join(walls.groupPlace?.pids ?? "", name, "pids.max"), "latin1").trim(), "64");
    } finally {
      supervisor.close();
    }
    for (let tries = 0; tries < 100 && group() !== undefined; tries += 1) await wait(20);
    assert.equal(group(), undefined, "the group is gone with its process");
  },
);

test("the kernel ends a process that takes more than its group may, and says so", { skip: noGroups }, async () => {
  const group = await ResourceGroup.make(walls.groupPlace ?? assert.fail());
  try {
    group.allowMemory(64 * 1_048_576);
    const program = "process.stdin.once('data', () => { for (const kept = []; ;) kept.push(Buffer.alloc(1e7, 1)); })";
    const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "ignore", "ignore"], timeout: 20_000 });
    await group.add(child.pid ?? assert.fail());
    assert.equal(group.hasRunOut(), false);
    child.stdin.write("go");
    const [, signal] = (await once(child, "exit")) as [number | null, string | null];
    assert.equal(signal, "SIGKILL");
    assert.equal(group.hasRunOut(), true);
  } finally {
    await group.remove();
  }
});

test("groups of a program that ended before it could remove them are swept away", { skip: noGroups }, async () => {
  const { memory } = walls.groupPlace ?? assert.fail();
  const stale = join(memory, "berth-999999999-1");
  mkdirSync(stale);
  const mine = await ResourceGroup.make(walls.groupPlace ?? assert.fail());
  try {
    assert.deepEqual(await findGroupPlace(), walls.groupPlace);
    assert.ok(!existsSync(stale));
    assert.ok(
      readdirSync(memory).some((name) => name.startsWith(`berth-${process.pid}-`)),
      "those of the living stay",
    );
  } finally {
    await mine.remove();
  }
});
