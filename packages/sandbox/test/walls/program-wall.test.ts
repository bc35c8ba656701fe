import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, open, readFile, readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import type { ProgramOutcome, ProgramRun } from "../../src/node-program.ts";
import { interpreterOf } from "../../src/walls/node-linked-libraries.ts";
import { foreignFunctionsFile } from "../../src/walls/node-foreign-functions.ts";
import { programWall } from "../../src/walls/node-program-wall.ts";
import type { ProgramWall } from "../../src/walls/node-program-wall.ts";
import { OPENING, formatProgramArguments } from "../../src/walls/program-wall-arguments.ts";
import { compileFilter } from "../../src/walls/seccomp/filter.ts";
import { PROGRAM_RULES } from "../../src/walls/seccomp/policy.ts";

const offer = await programWall();
const skip =
  offer.kind === "missing"
    ? `no wall for programs here: ${offer.missing.why}`
    : !["/bin/sh", "/bin/cat", "/bin/sleep"].every((path) => existsSync(path)) && "there is no sh, cat or sleep here";
const PERL = "/usr/bin/perl";
const isRoot = process.getuid?.() === 0;
const wall = (): ProgramWall => (offer.kind === "offered" ? offer.wall : assert.fail());

type Wish = Partial<Omit<ProgramRun, "folder">> & { readonly isWritable?: boolean };
type Sh = (script: string, wish?: Wish) => Promise<ProgramOutcome>;

/** A folder that programs may read, and what runs a script in it. */
async function withFolder(work: (sh: Sh, folder: string) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-program-")));
  // Where this test is root's, programs have a user of their own.
  await chmod(folder, 0o777);
  const sh: Sh = async (script, { isWritable = false, ...wish } = {}) => {
    await using handle = await open(folder);
    return await wall().run({
      program: "/bin/sh",
      args: ["-c", script],
      environment: {},
      folder: { descriptor: handle.fd, path: folder, isWritable },
      input: new Uint8Array(),
      timeMs: 60_000,
      maxOutputBytes: 1_048_576,
      signal: new AbortController().signal,
      ...wish,
    });
  };
  try {
    await work(sh, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What a script wrote, which must have ended well. */
async function saidBy(outcome: Promise<ProgramOutcome>): Promise<string> {
  const ended = await outcome;
  if (ended.kind !== "exited") return assert.fail(JSON.stringify(ended));
  assert.equal(ended.exitCode, 0, textOf(ended.stderr));
  return textOf(ended.stdout);
}

const inside = (name: string, work: (sh: Sh, folder: string) => Promise<void>): void =>
  void test(name, { skip }, () => withFolder(work));

/** Processes of this machine whose command line holds a text. */
const running = (mark: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [state] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1] ?? "";
      return state !== "Z" && state !== "X" && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(mark);
    } catch {
      return false; // It ended meanwhile.
    }
  });

const nameOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim();
  } catch {
    return ""; // It ended meanwhile.
  }
};

/** What starts commands for a program. */
function starterOf(parent: number): number {
  const found = readdirSync("/proc").filter((pid) => {
    try {
      const [, parentOf] = (readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1] ?? "").split(" ");
      return Number(parentOf) === parent && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("starter.cjs");
    } catch {
      return false; // No process, or it ended meanwhile.
    }
  });
  assert.equal(found.length, 1);
  return Number(found[0]);
}

inside("a program gets what it is given, and all that it writes comes back", async (sh) => {
  const bytes = new Uint8Array([0, 255, 10, 128, 13]);
  const outcome = await sh("cat; printf 'aside' >&2; exit 7", { input: bytes });
  assert.deepEqual(outcome, { kind: "exited", exitCode: 7, stdout: bytes, stderr: new TextEncoder().encode("aside") });
  const large = new Uint8Array(700_000).map((_, at) => at % 251);
  const [, read] = [null, await sh("cat", { input: large })];
  assert.ok(read.kind === "exited" && Buffer.from(read.stdout).equals(Buffer.from(large)));
  const ignored = await sh("exit 0", { input: large });
  assert.equal(ignored.kind === "exited" && ignored.exitCode, 0, "one that does not read it is no failure");
});

inside("arguments arrive as they are: no shell takes them apart", async (sh) => {
  const args = ["$HOME `id` $(id) ; | & > x", "", "*", "two  spaces", "line\nbreak", "'\"\\", "-n", "ü\u{1f600}"];
  const outcome = await sh("", { args: ["-c", 'for each in "$@"; do printf "%s\\0" "$each"; done', "sh", ...args] });
  assert.equal(await saidBy(Promise.resolve(outcome)), args.map((each) => `${each}\0`).join(""));
});

test("a signal's end is told as shells tell it", { skip: skip || (!existsSync(PERL) && "there is no perl here") }, () =>
  withFolder(async (sh) => {
    // It reads at an address where nothing is.
    const outcome = await sh("", { program: PERL, args: ["-e", 'print unpack("p", pack("J", 8))'] });
    assert.equal(outcome.kind === "exited" && outcome.exitCode, 128 + 11);
  }),
);

inside("its environment is what was given, and nobody else's can be read", async (sh, folder) => {
  const environment = { LANG: "C.UTF-8", SECRET: "a=b c" };
  const said = await saidBy(sh("env; tr '\\0' '\\n' </proc/1/environ", { environment }));
  const lines = new Set(said.trim().split("\n"));
  assert.deepEqual([...lines].toSorted(), ["LANG=C.UTF-8", `PWD=${folder}`, "SECRET=a=b c"]);
});

inside("no list of processes of the machine shows its environment", async (sh, folder) => {
  const running = sh("echo >ready; while [ ! -e go ]; do sleep 0.01; done", {
    environment: { SECRET: "never-shown-7261" },
    isWritable: true,
  });
  try {
    while (!existsSync(join(folder, "ready"))) await wait(5);
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
      assert.ok(!line.includes("never-shown-7261"), pid);
    }
  } finally {
    await writeFile(join(folder, "go"), "");
    await saidBy(running);
  }
});

inside("it sees its own processes only, and is the first of them", async (sh) => {
  const said = await saidBy(sh("echo $$; ls /proc | grep -E '^[0-9]+$'; readlink /proc/1/exe"));
  const [self, ...rest] = said.trim().split("\n");
  assert.equal(self, "1");
  assert.ok(rest.length <= 5, said);
  assert.doesNotMatch(said, /node|bwrap/);
});

inside("it signals nobody outside, and learns of no key", async (sh) => {
  const said = await saidBy(
    sh(
      `kill -9 $PPID -1 0 ${process.pid} 2>/dev/null; sh -c "kill -9 -1" 2>/dev/null; echo on; cat /proc/keys /proc/timer_list 2>/dev/null; true`,
    ),
  );
  assert.equal(said, "on\n");
});

inside("it finds no file of the machine but the system's and its folder", async (sh, folder) => {
  await writeFile(join(folder, "a.txt"), "inside");
  const said = await saidBy(
    sh(
      "cat a.txt; echo; ls -A / /dev; for each in /etc/passwd /root /home /var /run /sys /mnt; do [ -e $each ] && echo $each; done; true",
    ),
  );
  assert.ok(said.startsWith("inside\n"), said);
  const names = new Set(said.split(/\s+/));
  for (const hidden of ["etc/passwd", "/root", "/home", "/var", "/run", "/sys", "/mnt", "sda", "kmsg", "mem", "tty"])
    assert.ok(!names.has(hidden) && !names.has(`/${hidden}`), `${hidden} in ${said}`);
});

inside(
  "it can write nowhere but to its own /tmp, and to its folder only when that was agreed to",
  async (sh, folder) => {
    const tries = `for each in / /usr /usr/bin /proc/sys/kernel /dev "$PWD"; do
    if (echo x >"$each/berth-probe") 2>/dev/null; then echo "$each"; fi
  done; echo temporary >/tmp/x; cat /tmp/x`;
    assert.equal(await saidBy(sh(tries)), "temporary\n");
    assert.deepEqual(await readdir(folder), []);
    assert.equal(await saidBy(sh(tries, { isWritable: true })), `${folder}\ntemporary\n`);
    assert.equal(await readFile(join(folder, "berth-probe"), "utf8"), "x\n");
    assert.equal(
      await saidBy(sh("ls /tmp")),
      folder.startsWith("/tmp/") ? `${folder.split("/")[2]}\n` : "",
      "nothing is left of it",
    );
  },
);

inside("no descriptor of the host reaches it, also none that was opened for every child", async (sh, folder) => {
  const secret = join(folder, "secret");
  await writeFile(secret, "of the host");
  await saidBy(sh("true"));
  const interpreter = await interpreterOf(await realpath(process.execPath));
  const koffiFile = foreignFunctionsFile(interpreter)?.source ?? assert.fail("there is no koffi here");
  const koffi = createRequire(koffiFile)(koffiFile) as {
    load(path: null): { func(signature: string): (...args: number[]) => number };
  };
  const descriptor = openSync(secret, "r");
  try {
    const F_SETFD = 2;
    assert.equal(koffi.load(null).func("int fcntl(int, int, int)")(descriptor, F_SETFD, 0), 0);
    // What starts commands is given it as well, and is to keep it to itself: the next one is.
    process.kill(starterOf(process.pid), "SIGKILL");
    while ((await sh("true")).kind === "failed");
    assert.ok(readdirSync(`/proc/${starterOf(process.pid)}/fd`).includes(String(descriptor)));
    // Whatever is open beside the three streams is read to its end, and listed.
    const said = await saidBy(
      sh(
        "for each in $(ls /proc/self/fd); do [ $each -gt 2 ] && cat /proc/self/fd/$each 2>/dev/null; done; ls -l /proc/self/fd",
      ),
    );
    assert.doesNotMatch(said, /of the host|secret/);
  } finally {
    closeSync(descriptor);
  }
});

inside("no descriptor of a folder outside is left open, by which one could climb out", async (sh) => {
  const said = await saidBy(sh("ls -l /proc/self/fd /proc/1/fd"));
  for (const [, target = ""] of said.matchAll(/ -> (.+)$/gm))
    assert.match(target, /^(?:\/dev\/null|socket:\[\d+\]|\/proc\/\d+\/fd)$/, said);
});

inside("there is no network, not even the machine's own address, and no socket at all", async (sh, folder) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const inFolder = createServer(() => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => inFolder.listen(join(folder, "agent.sock"), resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const bash = existsSync("/usr/bin/bash");
    const perl = existsSync(PERL);
    const tries = [
      ...(bash ? [`/usr/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' 2>/dev/null && echo connected`] : []),
      ...(perl
        ? [
            `/usr/bin/perl -MSocket -e 'for ([AF_INET,SOCK_STREAM],[AF_INET6,SOCK_DGRAM],[AF_UNIX,SOCK_STREAM],[AF_UNIX,SOCK_DGRAM],[16,3],[40,1]) { print "socket\\n" if socket(my $s, $_->[0], $_->[1], 0) } socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) and print "pair\\n"; socketpair($a, $b, AF_UNIX, SOCK_DGRAM, 0) and print "datagrams\\n"; connect(STDOUT, sockaddr_un("agent.sock")) and print "turned\\n"'`,
          ]
        : []),
      "cat /proc/net/dev | grep -c : || true",
    ];
    const said = await saidBy(sh(`${tries.join("\n")}\ntrue`, { isWritable: true }));
    assert.doesNotMatch(said, /connected|socket|datagrams|turned/);
    if (perl) assert.match(said, /pair/);
    assert.equal(connections, 0);
  } finally {
    for (const each of [server, inFolder]) await new Promise((resolve) => each.close(resolve));
  }
});

inside("it has neither rights nor a way to more of them", async (sh) => {
  const said = await saidBy(sh("cat /proc/self/status; id -u; unshare -U true 2>/dev/null && echo namespace; true"));
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
    assert.match(said, new RegExp(`^${set}:\\s+0+$`, "m"));
  assert.match(said, /^NoNewPrivs:\s+1$/m);
  assert.match(said, /^Seccomp:\s+2$/m);
  assert.match(said, /^65534$/m);
  assert.doesNotMatch(said, /^namespace$/m);
});

inside("a program that the embedding program's root starts has a user of nobody's", async (sh, folder) => {
  if (!isRoot) return;
  await saidBy(sh("echo mine >made", { isWritable: true }));
  const { uid } = await stat(join(folder, "made"));
  assert.ok(uid >= 0x7100_0000 && uid < 0x7101_0000, String(uid));
});

inside("it leaves no file that gives its user's rights to whoever runs it", async (sh, folder) => {
  const umask = existsSync(PERL)
    ? `/usr/bin/perl -e 'use Fcntl; sysopen(F, "made", O_CREAT|O_WRONLY, 04755) and print "made\\n"; mkdir("made-folder", 02777)'`
    : "true";
  await saidBy(
    sh(`cp /bin/sh copy; chmod 4755 copy; chmod 2755 copy; chmod u+s copy; ${umask}; true`, { isWritable: true }),
  );
  const { mode } = await stat(join(folder, "copy"));
  assert.equal(mode & 0o6000, 0);
  assert.ok(!existsSync(join(folder, "made")));
});

inside("what it started in the background is gone when it is", async (sh, folder) => {
  const mark = "86399.31";
  await saidBy(
    sh(
      `(setsid sh -c "trap '' TERM HUP; sleep ${mark}; echo survived >survived" >/dev/null 2>&1 </dev/null &) ; echo done`,
      { isWritable: true },
    ),
  );
  assert.deepEqual(running(mark), []);
  assert.deepEqual(await readdir(folder), []);
});

inside("time, a signal and too much output end it and everything that it started", async (sh, folder) => {
  const spread = (mark: string): string =>
    `(setsid sleep ${mark} &) ; (sleep ${mark} &); echo begun >begun; sleep ${mark}`;
  assert.deepEqual(await sh(spread("86398.32"), { timeMs: 700 }), { kind: "ended", by: "time" });
  assert.deepEqual(running("86398.32"), []);

  await rm(join(folder, "begun"), { force: true });
  const controller = new AbortController();
  const underWay = sh(spread("86397.33"), { isWritable: true, signal: controller.signal });
  while (!existsSync(join(folder, "begun"))) await wait(5);
  controller.abort();
  assert.deepEqual(await underWay, { kind: "ended", by: "signal" });
  assert.deepEqual(running("86397.33"), []);
  assert.deepEqual(await sh("true", { signal: controller.signal }), { kind: "ended", by: "signal" }, "before it began");

  assert.deepEqual(await sh("while :; do echo flood; echo flood >&2; done", { maxOutputBytes: 100_000 }), {
    kind: "ended",
    by: "output",
  });
});

inside("an end at any moment of the start leaves nothing behind, and the next run works", async (sh) => {
  const mark = "86396.34";
  for (let turn = 0; turn < 40; turn += 1) {
    const controller = new AbortController();
    const underWay = sh(`sleep ${mark}`, { signal: controller.signal });
    for (let turns = 0; turns < turn % 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    if (turn >= 20) await wait(turn - 20);
    controller.abort();
    assert.deepEqual(await underWay, { kind: "ended", by: "signal" });
  }
  await untilNone(() => running(mark));
  assert.equal(await saidBy(sh("echo on")), "on\n");
});

inside("everything ends with the embedding program, however that ends, and nothing inside can change it", async () => {
  const mark = "86393.36";
  // On x86-64, 157 is prctl and 1 PR_SET_PDEATHSIG. The first process tries it on itself.
  const canTry = existsSync(PERL) && process.arch === "x64";
  const script = canTry
    ? `exec ${PERL} -e 'exec "/bin/sleep", "${mark}" if syscall(157, 1, 0, 0, 0, 0) == -1'`
    : `exec sleep ${mark}`;
  const program = `
    import { open } from "node:fs/promises";
    import { programWall } from ${JSON.stringify(join(import.meta.dirname, "../../src/walls/node-program-wall.ts"))};
    const folder = await open("/usr");
    const { wall } = await programWall();
    await wall.run({ program: "/bin/sh", args: ["-c", ${JSON.stringify(script)}], environment: {}, input: new Uint8Array(),
      folder: { descriptor: folder.fd, path: "/usr", isWritable: false }, timeMs: 60_000, maxOutputBytes: 1_024,
      signal: new AbortController().signal });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const sleeping = (): string[] => running(mark).filter((pid) => Number(pid) !== child.pid && nameOf(pid) === "sleep");
  while (sleeping().length === 0) {
    assert.equal(child.exitCode, null, "it ended before its program began");
    await wait(10);
  }
  child.kill("SIGKILL");
  while (running(mark).length > 0) await wait(10);
});

inside("without its filter a program does not begin, however little its launcher was told", async (_, folder) => {
  const arch = process.arch === "arm64" ? "arm64" : "x64";
  await writeFile(join(folder, "filter"), compileFilter(PROGRAM_RULES, arch, "allow"));
  const shown = ["/usr", "/bin", "/lib", "/lib64"].map((path) => ({ kind: "folder-if-there", path }) as const);
  const whole = formatProgramArguments({ shown, folder: { path: "/usr", isWritable: false }, environment: {} });
  const said = (told: string, filter: string): string => {
    writeFileSync(join(folder, "arguments"), told);
    const opened = [join(folder, "arguments"), "/dev/null", filter, "/usr"].map((path) =>
      openSync(path, path === "/dev/null" ? "r+" : "r"),
    );
    try {
      const { stdout } = spawnSync("bwrap", [...OPENING, "/bin/sh", "-c", "echo begun"], {
        stdio: ["ignore", "pipe", "ignore", ...opened],
      });
      return String(stdout);
    } finally {
      for (const descriptor of opened) closeSync(descriptor);
    }
  };
  assert.equal(said(whole, join(folder, "filter")), "begun\n");
  // Whoever launches it may be killed when it has said a part.
  for (let length = whole.length; length >= 0; length -= 13)
    assert.equal(said(whole.slice(0, length), "/dev/null"), "");
});

/** Runs code in an embedding program of its own, which has `start(script)` and a writable folder; answers with its id. */
function embed(folder: string, code: string, shell = "exec"): { readonly pid: number; readonly said: Promise<string> } {
  const source = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
  const program = `
    import { open, writeFile } from "node:fs/promises";
    import { setTimeout as wait } from "node:timers/promises";
    import { descendants } from ${source("../../conformance/hostile/descendants.ts")};
    import { programWall } from ${source("../../src/walls/node-program-wall.ts")};
    const folder = await open(${JSON.stringify(folder)});
    const { wall } = await programWall();
    const start = (script) => wall.run({ program: "/bin/sh", args: ["-c", script], environment: {},
      folder: { descriptor: folder.fd, path: ${JSON.stringify(folder)}, isWritable: true }, input: new Uint8Array(),
      timeMs: 60_000, maxOutputBytes: 100_000, signal: new AbortController().signal });
    ${code}`;
  const child = spawn("/bin/sh", ["-c", `${shell} "$0" "$@"`, process.execPath, "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.ok(child.pid !== undefined);
  return { pid: child.pid, said: text(child.stdout) };
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^[ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1] ?? "");
  } catch {
    return false;
  }
};

async function untilNone(found: () => readonly unknown[]): Promise<void> {
  for (let tries = 0; tries < 3_000 && found().length > 0; tries += 1) await wait(10);
  assert.deepEqual(found(), []);
}

/** Between starts, so that at an end for all of them each is in another stage: none has begun, or some, or most. */
const PAUSES_MS = [1, 2, 4, 8, 16, 24];

inside("a command whose embedding program is killed while it starts does not go on", async (_, folder) => {
  for (const [round, pauseMs] of PAUSES_MS.entries()) {
    const mark = `7.8639${round}`;
    const { said } = embed(
      folder,
      `for (let at = 0; at < 16; at += 1) {
         void start(\`: >begun-${round}-\${at}; sleep ${mark}; : >late-${round}-\${at}\`);
         await wait(${pauseMs});
       }
       console.log(JSON.stringify([...descendants().keys()]));
       process.kill(process.pid, "SIGKILL");`,
    );
    const started = JSON.parse(await said) as number[];
    assert.ok(started.length > 0);
    await untilNone(() => [...started.filter(isAlive), ...running(mark)]);
  }
  const left = await readdir(folder);
  assert.ok(left.some((name) => name.startsWith("begun")));
  assert.ok(!left.some((name) => name.startsWith("late")), left.join(" "));
});

inside("commands whose starter is killed while they start do not go on, and it is said why", async (sh, folder) => {
  for (const [round, pauseMs] of PAUSES_MS.entries()) {
    const mark = `7.8629${round}`;
    await saidBy(sh("true"));
    const starter = starterOf(process.pid);
    const controller = new AbortController();
    const { signal } = controller;
    const runs: Promise<ProgramOutcome>[] = [];
    for (let at = 0; at < 12; at += 1) {
      runs.push(sh(`: >begun-${round}-${at}; sleep ${mark}; : >late-${round}-${at}`, { isWritable: true, signal }));
      await wait(pauseMs);
    }
    process.kill(starter, "SIGKILL");
    const lost = { kind: "failed", why: "what starts commands was lost: it has gone" };
    assert.deepEqual(await runs[0], lost);
    // The last ones may have come to the next starter.
    controller.abort();
    for (const outcome of await Promise.all(runs))
      assert.deepEqual(outcome, outcome.kind === "ended" ? { kind: "ended", by: "signal" } : lost);
    await untilNone(() => running(mark));
  }
  const left = await readdir(folder);
  assert.ok(left.some((name) => name.startsWith("begun")));
  assert.ok(!left.some((name) => name.startsWith("late")), left.join(" "));
  assert.equal(await saidBy(sh("echo on")), "on\n");
});

inside("the embedding program starts nothing itself but what starts commands", async (sh) => {
  const mark = "86392.37";
  const controller = new AbortController();
  await saidBy(sh("true"));
  const starter = starterOf(process.pid);
  const runs = Array.from({ length: 3 }, () => sh(`sleep ${mark}`, { signal: controller.signal }));
  while (running(mark).filter((pid) => nameOf(pid) === "sleep").length < 3) await wait(5);
  const children = readdirSync(`/proc/${process.pid}/task`).flatMap(
    (thread) => readFileSync(`/proc/${process.pid}/task/${thread}/children`, "latin1").match(/\d+/g) ?? [],
  );
  assert.deepEqual(children, [String(starter)]);
  controller.abort();
  for (const run of runs) assert.deepEqual(await run, { kind: "ended", by: "signal" });
  assert.deepEqual(running(mark), []);
});

inside("many commands at the same time keep apart, and all that each wrote comes back to it", async (sh) => {
  const large = (seed: number): Uint8Array => new Uint8Array(300_000).map((_, at) => (at * seed) % 251);
  const runs = Array.from({ length: 40 }, (_, at) => sh(`cat; printf ${at} >&2; exit ${at}`, { input: large(at + 1) }));
  for (const [at, outcome] of (await Promise.all(runs)).entries()) {
    assert.ok(outcome.kind === "exited", JSON.stringify(outcome));
    assert.deepEqual([outcome.exitCode, textOf(outcome.stderr)], [at, String(at)]);
    assert.ok(Buffer.from(outcome.stdout).equals(Buffer.from(large(at + 1))), String(at));
  }
});

inside("output up to its limit comes back whole, and a byte more ends the command", async (sh) => {
  const maxOutputBytes = 8 * 1_048_576;
  const writes = (aside: number, more = 0): string =>
    `yes b | head -c ${aside} >&2; yes a | head -c ${maxOutputBytes - aside + more}`;
  for (const aside of [0, 5_000_001, maxOutputBytes]) {
    const outcome = await sh(writes(aside), { maxOutputBytes });
    assert.ok(outcome.kind === "exited", JSON.stringify(outcome));
    const { stdout, stderr } = outcome;
    assert.ok(Buffer.alloc(maxOutputBytes - aside, "a\n").equals(stdout), `${stdout.length} bytes`);
    assert.ok(Buffer.alloc(aside, "b\n").equals(stderr), `${stderr.length} bytes aside`);
    // Whoever is given one of them is not given the other.
    assert.notEqual(stdout.buffer, stderr.buffer);
    assert.deepEqual(await sh(writes(aside, 1), { maxOutputBytes }), { kind: "ended", by: "output" });
  }
  assert.deepEqual(await sh("printf x", { maxOutputBytes: 0 }), { kind: "ended", by: "output" });
  assert.equal(await saidBy(sh("true", { maxOutputBytes: 0 })), "");
});

inside("what has no descriptor left to start a command says so, and the others go on", async (_, folder) => {
  const { said } = embed(
    folder,
    `const waiting = "while [ ! -e go ]; do sleep 0.05; done; echo went";
     const before = [...descendants().keys()];
     const runs = Array.from({ length: 60 }, () => start(waiting));
     await Promise.race(runs);
     await writeFile(${JSON.stringify(join(folder, "go"))}, "");
     const ended = await Promise.all(runs);
     const told = (outcome) => outcome.kind === "exited" ? new TextDecoder().decode(outcome.stdout) : outcome.why;
     const after = await start("echo after");
     console.log(JSON.stringify({ told: ended.map(told), after: told(after), isSame: before.every((pid) => descendants().has(pid)) }));`,
    "ulimit -n 256; exec",
  );
  const { told, after, isSame } = JSON.parse(await said) as { told: string[]; after: string; isSame: boolean };
  const refused = told.filter((each) => each !== "went\n");
  assert.ok(refused.length > 0 && refused.length < told.length, `${refused.length} of ${told.length}`);
  for (const each of refused) assert.match(each, /EMFILE|too many open files/i);
  assert.deepEqual([after, isSame], ["after\n", true]);
});

inside("a program that starts itself without end is held, and the host's own processes are not", async (sh) => {
  // Counted by the shell itself, which could start nothing to count with. Its list is not of one moment: some of those
  // that came and went while it was made are in it too.
  const count = `most=0; turn=0; while [ $turn -lt 3000 ]; do
    set -- /proc/[0-9]*; [ $# -gt $most ] && most=$#; turn=$((turn + 1)); done; echo $most`;
  const most = Number(await saidBy(sh(`bomb() { bomb | bomb & }; bomb 2>/dev/null; ${count}`)));
  assert.ok(most > 1 && most <= 4 * 64, `${most} processes`);
  assert.equal(execFileSync("/bin/sh", ["-c", "echo free"], { encoding: "utf8" }), "free\n");
});

inside("memory without end is ended: of one process, of many, and in files without a disk", async (sh) => {
  // tail keeps what may be the end: all of it.
  const one = await sh("yes | head -c 2000000000 | tail -c 1900000000 >/dev/null");
  assert.deepEqual(one, { kind: "ended", by: "memory" });
  const many = Array.from({ length: 6 }, () => "yes | head -c 150000000 | tail -c 149000000 | sleep 600 &").join(" ");
  assert.deepEqual(await sh(`${many} sleep 600`), { kind: "ended", by: "memory" });
  const full = await saidBy(sh("head -c 200000000 /dev/urandom >/tmp/large 2>/dev/null; wc -c </tmp/large"));
  assert.ok(Number(full) <= 67_108_864, full);
});

inside("a folder is the one that was opened, whatever takes its place meanwhile", async (sh, folder) => {
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "sub/a.txt"), "the right one");
  await using handle = await open(join(folder, "sub"));
  await rm(join(folder, "sub"), { recursive: true });
  await mkdir(join(folder, "sub"));
  await writeFile(join(folder, "sub/a.txt"), "another one");
  const outcome = await sh("cat a.txt", {
    ...({ folder: { descriptor: handle.fd, path: join(folder, "sub"), isWritable: false } } as object),
  });
  assert.deepEqual(outcome, { kind: "failed", why: `the folder ${join(folder, "sub")} has been exchanged` });
});

inside("a program that is not there is told of, and is no failure of the wall's", async (sh) => {
  const outcome = await sh("", { program: "/usr/bin/berth-no-such-program", args: [] });
  assert.equal(outcome.kind === "exited" && outcome.exitCode, 127);
});

test("without bubblewrap or prlimit there is no wall, and it is said what is missing", async () => {
  const nothing = await programWall({ searchPath: "/nonexistent" });
  assert.equal(nothing.kind, "missing");
  if (process.platform === "linux" && nothing.kind === "missing") {
    assert.equal(nothing.missing.what, "bubblewrap");
    assert.match(nothing.missing.remedy, /apt install bubblewrap/);
  }
});

test(
  "a folder for programs that others could exchange is none",
  { skip: process.platform !== "linux" && "walls need Linux" },
  async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-tools-")));
    try {
      for (const path of ["/nonexistent/tools", folder])
        assert.equal((await programWall({ programFolders: [path] })).kind, "missing", path);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
