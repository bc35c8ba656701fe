import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { isolate } from "../../../engines/isolate/src/index.ts";
import { descendants } from "../conformance/hostile/descendants.ts";
import { openPlugin } from "../conformance/open-plugin.ts";
import type { OpenPlugin } from "../conformance/open-plugin.ts";
import type { StartListener } from "../src/node-start.ts";
import { Starter } from "../src/node-starter.ts";
import { Supervisor } from "../src/node-supervisor.ts";
import { machineWalls } from "../src/walls/node-machine-walls.ts";
import { compileFilter } from "../src/walls/seccomp/filter.ts";
import { PROGRAM_RULES } from "../src/walls/seccomp/policy.ts";
import type { FilterArch } from "../src/walls/seccomp/syscalls.ts";
import type { SpawnDescription } from "../src/walls/wall.ts";

const skip = process.platform !== "linux" && "elsewhere the embedding process starts sandbox hosts itself";
const CODE = "var berthPlugin = { actions: { echo: (value) => value } };";
const LIMITS = { memoryMiB: 32, cpuMs: 20_000, wallMs: 120_000 };

/** Whether a process is there and not merely waiting for its parent to take note of its end. */
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));

async function untilGone(pids: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 3_000 && pids.some(isAlive); tries += 1) await wait(10);
  assert.deepEqual(pids.filter(isAlive), []);
}

/** Collects what a listener hears. */
function hearing(): { listener: StartListener; pipe: Promise<Duplex>; end: Promise<string> } {
  const pipe = Promise.withResolvers<Duplex>();
  const end = Promise.withResolvers<string>();
  const listener: StartListener = {
    connected: (connected) => pipe.resolve(connected),
    knownAs: () => undefined,
    said: () => undefined,
    ended: (why) => end.resolve(why),
  };
  return { listener, pipe: pipe.promise, end: end.promise };
}

function starterOf(known: ReadonlySet<number>): number {
  const found = [...descendants()].filter(
    ([pid]) => !known.has(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("starter.cjs"),
  );
  assert.equal(found.length, 1);
  return found[0]?.[0] ?? assert.fail();
}

test("hands over a pipe with everything that was said on it, however late it is taken", { skip }, async () => {
  const { basic } = await machineWalls(isolate());
  assert.ok(basic.kind === "offered");
  const starter = new Starter();
  const warm = hearing();
  starter.start(basic.wall.describe(), warm.listener).kill();
  await warm.end;
  for (let round = 0; round < 3; round += 1) {
    const { listener, pipe, end } = hearing();
    const started = starter.start(basic.wall.describe(), listener);
    // The embedding program is busy while the process starts and says that it serves.
    const until = performance.now() + 500;
    while (performance.now() < until);
    const connected = await pipe;
    const [first] = (await once(connected, "data")) as [Uint8Array];
    assert.ok(first.length > 0);
    started.kill();
    assert.equal(await end, "signal SIGKILL");
  }
  starter.close();
});

test("says why a process could not be started", { skip }, async () => {
  const starter = new Starter();
  const { listener, end } = hearing();
  let released = 0;
  const description: SpawnDescription = {
    command: "/nonexistent/program",
    args: [],
    launcherPipes: [],
    release: () => (released += 1),
  };
  starter.start(description, listener);
  assert.match(await end, /ENOENT/);
  assert.equal(released, 1);
  starter.close();
});

test("is lost with all that it started, and the next call has another one", { skip }, async () => {
  const known = new Set([...descendants()].map(([pid]) => pid));
  const supervisor = new Supervisor();
  try {
    const plugin = openPlugin(isolate(), CODE, { supervisor, plugin: "p", level: "standard", limits: LIMITS });
    assert.equal(await plugin.call("echo", 1), 1);
    const started = [...descendants()].map(([pid]) => pid).filter((pid) => !known.has(pid));
    process.kill(starterOf(known), "SIGKILL");
    await untilGone(started);
    // The news may come after the first call was made.
    await plugin.call("echo", 2).catch(() => undefined);
    assert.equal(await plugin.call("echo", 3), 3);
  } finally {
    supervisor.close();
  }
});

test("ends with its supervisor", { skip }, async () => {
  const known = new Set([...descendants()].map(([pid]) => pid));
  const supervisor = new Supervisor();
  const plugin = openPlugin(isolate(), CODE, { supervisor, plugin: "p", level: "standard", limits: LIMITS });
  assert.equal(await plugin.call("echo", 1), 1);
  const started = [...descendants()].map(([pid]) => pid).filter((pid) => !known.has(pid));
  assert.ok(started.length >= 2);
  supervisor.close();
  await untilGone(started);
});

test("what runs programs ends when none was run for a while, and the next run has another one", async (context) => {
  const bubblewrap = ["/usr/bin/bwrap", "/bin/bwrap"].find((path) => existsSync(path));
  if (skip !== false || bubblewrap === undefined) return context.skip(skip || "there is no bubblewrap here");
  const known = new Set([...descendants()].map(([pid]) => pid));
  const starter = new Starter(1);
  const shown = ["/usr", "/bin", "/lib", "/lib64"].map((path) => ({ kind: "folder-if-there", path }) as const);
  await using folder = await open("/usr");
  const pids: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    const controller = new AbortController();
    const underWay = starter.run(
      {
        program: "/bin/sleep",
        args: ["60"],
        environment: {},
        folder: { descriptor: folder.fd, path: "/usr", isWritable: false },
        input: new Uint8Array(),
        timeMs: 60_000,
        maxOutputBytes: 1_000,
        signal: controller.signal,
      },
      {
        bubblewrap,
        shown,
        filter: compileFilter(PROGRAM_RULES, process.arch as FilterArch, "allow"),
        limiter: [],
        memoryBytes: 1e9,
        groupPlace: undefined,
        userId: undefined,
      },
    );
    while (![...descendants().values()].includes("sleep")) await wait(5);
    pids.push(starterOf(known));
    controller.abort();
    assert.deepEqual(await underWay, { kind: "ended", by: "signal" });
    await untilGone(pids);
  }
  assert.notEqual(pids[0], pids[1]);
});

const at = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
const PROGRAM = `
  import { isolate } from ${at("../../../engines/isolate/src/index.ts")};
  import { descendants } from ${at("../conformance/hostile/descendants.ts")};
  import { openPlugin } from ${at("../conformance/open-plugin.ts")};
  import { Supervisor } from ${at("../src/node-supervisor.ts")};
  const supervisor = new Supervisor();
  const limits = ${JSON.stringify(LIMITS)};
  const open = (plugin, packKey) =>
    openPlugin(isolate(), ${JSON.stringify(CODE)}, { supervisor, plugin, packKey, level: "standard", limits });`;

/** Runs an embedding program in a process of its own; answers with the JSON that it said last. */
async function runProgram(code: string, shell = "exec"): Promise<unknown> {
  const child = spawn("/bin/sh", ["-c", `${shell} "$0" "$@"`, process.execPath, "--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
  });
  const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return JSON.parse(said.trim().split("\n").at(-1) ?? "");
}

for (const afterMs of [undefined, 0, 3, 10, 30, 100])
  test(
    `falls with the embedding program, and takes along what it started: ${afterMs === undefined ? "after a call" : `${afterMs} ms into a start`}`,
    { skip },
    async () => {
      const pids = await runProgram(`${PROGRAM}
        await supervisor.wallFor(isolate(), "standard");
        const call = open("p", "p").call("echo", 1);
        while (descendants().size === 0) await new Promise((wake) => setImmediate(wake));
        ${afterMs === undefined ? "await call" : `call.catch(() => undefined); await new Promise((wake) => setTimeout(wake, ${afterMs}))`};
        console.log(JSON.stringify([...descendants()].map(([pid]) => pid)));
        process.kill(process.pid, "SIGKILL");`);
      assert.ok(Array.isArray(pids) && pids.length > 0, String(pids));
      await untilGone(pids as number[]);
    },
  );

test("a program without a descriptor left loses that start, and nothing that runs", { skip }, async () => {
  const found = await runProgram(
    `${PROGRAM}
    import { closeSync, openSync } from "node:fs";
    const [a, b] = [open("a", "a"), open("b", "b")];
    await a.call("echo", 1);
    const before = [...descendants().keys()];
    const taken = [];
    try { for (;;) taken.push(openSync("/dev/null")); } catch {}
    const refused = await b.call("echo", 2).then(() => "answers", (error) => error.code);
    for (const descriptor of taken) closeSync(descriptor);
    const after = [...descendants().keys()];
    console.log(JSON.stringify({ refused, isThere: before.every((pid) => after.includes(pid)),
      a: await a.call("echo", 3), b: await b.call("echo", 4) }));
    supervisor.close();`,
    "ulimit -n 100; exec",
  );
  assert.deepEqual(found, { refused: "SANDBOX_START_FAILED", isThere: true, a: 3, b: 4 });
});

test("its loss makes nobody a suspect", { skip }, async () => {
  const known = new Set([...descendants()].map(([pid]) => pid));
  const suspects: string[] = [];
  const losses: string[] = [];
  const supervisor = new Supervisor({
    onSuspect: (plugin) => suspects.push(plugin),
    onLoss: ({ reason }) => losses.push(reason),
  });
  try {
    const open = (plugin: string): OpenPlugin =>
      openPlugin(isolate(), CODE, { supervisor, plugin, level: "minimal", limits: LIMITS });
    const plugins = [open("a"), open("b")];
    for (const plugin of plugins) assert.equal(await plugin.call("echo", 1), 1);
    process.kill(starterOf(known), "SIGKILL");
    while (losses.length === 0) await wait(10);
    assert.deepEqual([losses, suspects], [["starter"], []]);
  } finally {
    supervisor.close();
  }
});
