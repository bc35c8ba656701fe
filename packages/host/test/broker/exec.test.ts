import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { Host, HostOptions } from "@berth/host";
import { programWall } from "@berth/sandbox";
import { statedPermissionSchema } from "@berth/spec";

import { verifyProgram } from "../../src/broker/node-trusted-program.ts";
import { install, makePackage, withHost } from "../fixture.ts";
import { until } from "../sandbox-hosts.ts";

const offer = await programWall();
const skip =
  offer.kind === "missing"
    ? `no wall for programs here: ${offer.missing.why}`
    : !["/bin/sh", "/bin/cat", "/bin/echo", "/bin/sleep"].every((path) => existsSync(path)) && "there is no sh here";

const any = { input: true, output: true };
const CODE = `var berthPlugin = (() => {
  const told = async (ctx, [command, options]) => {
    try {
      const { exitCode, stdout, stderr } = await ctx.exec.run(command, options ?? undefined);
      const text = (bytes) => new TextDecoder().decode(bytes);
      return { exitCode, stdout: text(stdout), ...(stderr.length > 0 && { stderr: text(stderr) }) };
    } catch (error) { return { code: error.code ?? error.name, ...error.details }; }
  };
  const run = (request, ctx) => told(ctx, request);
  return { actions: {
    run, pure: run, again: run,
    many: (requests, ctx) => Promise.all(requests.map((request) => told(ctx, request))),
  } };
})();`;

const SH = ["/bin/sh", "-c", "{script}"];
const COMMANDS = [["/bin/echo", "{text}"], ["/bin/cat"], SH, ["/bin/sh", "-c", 'printf %s "$1"', "sh", "{text}"]];

type Run = (command: unknown, options?: object, action?: string) => Promise<unknown>;
/** Runs a script as the granted program sh, with what a call may have besides. */
type Sh = (script: string, options?: object) => Promise<unknown>;

interface Facts {
  readonly run: Run;
  readonly sh: Sh;
  readonly folder: string;
  readonly host: Host<string>;
  readonly dataDir: string;
}

interface More {
  readonly permission?: object;
  readonly commands?: readonly (readonly string[])[];
  readonly manifest?: object;
  readonly options?: Partial<HostOptions<string>>;
}

/** A plugin that may run a few programs in a folder of its own. */
async function withExec(work: (facts: Facts) => Promise<void>, more: More = {}): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-exec-")));
  // Where this test is root's, commands have a user of their own.
  await chmod(folder, 0o777);
  try {
    await withHost(async (host, dataDir) => {
      const permissions = [
        {
          name: "system_exec",
          commands: (more.commands ?? COMMANDS).map((run) => ({ run })),
          workingDirectory: folder,
          write: true,
          environment: ["BERTH_TEST_GIVEN", "BERTH_TEST_UNSET"],
          timeMs: 60_000,
          reason: "to test",
          ...more.permission,
        },
      ];
      const actions = {
        run: any,
        many: any,
        pure: { ...any, effect: "pure" },
        again: { ...any, effect: "idempotent" },
      };
      await install(
        host,
        makePackage({ code: CODE, manifest: { permissions, contributes: { actions }, ...more.manifest } }),
      );
      const run: Run = (command, options, action = "run") => host.call("acme.demo", action, [command, options ?? null]);
      await work({ run, sh: (script, options) => run(SH, { values: { script }, ...options }), folder, host, dataDir });
    }, more.options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const inside = (name: string, work: (facts: Facts) => Promise<void>, more?: More): void =>
  void test(name, { skip }, () => withExec(work, more));

/** Processes of this machine that have a text in their command line. */
const running = (mark: string): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      if (!(pid > 0) || pid === process.pid) return false;
      try {
        const [state] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1] ?? "";
        return state !== "Z" && state !== "X" && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(mark);
      } catch {
        return false; // It ended meanwhile.
      }
    });
const isRunning = (mark: string): boolean => running(mark).length > 0;

/** What has started a process with a text in its command line. */
function starterOf(mark: string): number {
  const telling = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, "latin1");
  for (let [pid = 0] = running(mark); pid > 1; pid = Number(telling(pid, "stat").split(") ")[1]?.split(" ")[1]))
    if (telling(pid, "cmdline").includes("starter.cjs")) return pid;
  return assert.fail(`nothing has started ${mark}`);
}

/** A script that goes on in two processes until it is ended. */
const staying = (mark: string): string => `(setsid sleep ${mark} &) ; (echo >begun) 2>/dev/null; sleep ${mark}`;

inside(
  "a command runs with its values and its input, and every exit code is an answer",
  async ({ run, sh, folder }) => {
    assert.deepEqual(await run(["/bin/echo", "{text}"], { values: { text: "$HOME; `id` *" } }), {
      exitCode: 0,
      stdout: "$HOME; `id` *\n",
    });
    assert.deepEqual(await run(["/bin/cat"], { input: "h\u00e9" }), { exitCode: 0, stdout: "h\u00e9" });
    assert.deepEqual(await run(["/bin/cat"]), { exitCode: 0, stdout: "" });
    assert.deepEqual(await sh("echo aside >&2; exit 3"), { exitCode: 3, stdout: "", stderr: "aside\n" });
    await writeFile(join(folder, "a.txt"), "read");
    assert.deepEqual(await sh("cat a.txt; pwd"), { exitCode: 0, stdout: `read${folder}\n` });
  },
);

inside("values that look like options or like more than text are refused", async ({ run }) => {
  for (const text of ["-n", "--help", "+x", "@file", "a\0b", 7, null, ["x"]])
    assert.deepEqual(
      await run(["/bin/echo", "{text}"], { values: { text } }),
      { code: "BROKER_REQUEST_INVALID" },
      JSON.stringify(text),
    );
});

inside("requests that are none are refused before anything runs", async ({ run }) => {
  const echo = ["/bin/echo", "{text}"];
  const values = { text: "x" };
  for (const [command, options] of [
    [null, {}],
    ["/bin/echo x", {}],
    [[], {}],
    [[7], {}],
    [[""], {}],
    [Array.from({ length: 65 }, () => "x"), {}],
    [{ run: echo }, {}],
    [echo, {}],
    [echo, { values: [] }],
    [echo, { values: "x" }],
    [echo, { values, workingDirectory: "relative" }],
    [echo, { values, workingDirectory: "/tmp/../etc" }],
    [echo, { values, workingDirectory: 7 }],
    [echo, { values, write: "yes" }],
    [echo, { values, environment: "LANG" }],
    [echo, { values, environment: ["A=B"] }],
    [echo, { values, environment: ["A", "A"].map(() => ({})) }],
    [echo, { values, input: 7 }],
    [echo, { values, input: {} }],
  ] as const)
    assert.deepEqual(
      await run(command, options),
      { code: "BROKER_REQUEST_INVALID" },
      JSON.stringify([command, options]),
    );
});

inside("only what was agreed to is run, and the denial names what is missing", async ({ run, folder }) => {
  const denied = (parameter: string): object => ({
    code: "BROKER_DENIED",
    term: "manifest",
    permission: "system_exec",
    parameter,
  });
  const text = { values: { text: "x" } };
  for (const command of [["/bin/cat", "/etc/passwd"], ["/bin/echo"], ["/bin/echo", "{other}"], ["/usr/bin/id"]])
    assert.deepEqual(await run(command, {}), denied("commands"), command.join(" "));
  const echo = ["/bin/echo", "{text}"];
  assert.deepEqual(await run(echo, { ...text, workingDirectory: "/usr" }), denied("workingDirectory"));
  assert.deepEqual(await run(echo, { ...text, workingDirectory: `${folder}x` }), denied("workingDirectory"));
  assert.deepEqual(await run(echo, { ...text, environment: ["PATH"] }), denied("environment"));
});

inside(
  "a folder is to read only unless changing it was agreed to and asked for",
  async ({ run, sh, folder }) => {
    assert.deepEqual(await sh("(echo x >made) 2>/dev/null || echo refused"), { exitCode: 0, stdout: "refused\n" });
    assert.ok(!existsSync(join(folder, "made")));
    assert.deepEqual(await sh("true", { write: true }), {
      code: "BROKER_DENIED",
      term: "manifest",
      permission: "system_exec",
      parameter: "write",
    });
    await mkdir(join(folder, "sub"), { mode: 0o755 });
    assert.deepEqual(await run(SH, { values: { script: "pwd; ls .." }, workingDirectory: join(folder, "sub") }), {
      exitCode: 0,
      stdout: `${join(folder, "sub")}\nsub\n`,
    });
  },
  { permission: { write: false } },
);

inside(
  "it gets the variables that it was granted and asked for, and no other of the host's",
  async ({ sh }) => {
    const env = (options?: object): Promise<unknown> => sh("env | grep -v ^PWD= | sort", options);
    assert.deepEqual(await env(), { exitCode: 0, stdout: "" });
    assert.deepEqual(await env({ environment: ["BERTH_TEST_GIVEN", "BERTH_TEST_UNSET"] }), {
      exitCode: 0,
      stdout: "BERTH_TEST_GIVEN=given\n",
    });
  },
  { options: { environment: { BERTH_TEST_GIVEN: "given", BERTH_TEST_OTHER: "other" } } },
);

inside("what the host keeps is in no command's sight", async ({ sh, dataDir }) => {
  const kept = await realpath(dataDir);
  assert.ok(existsSync(join(kept, "host.sqlite")));
  const look = `cat ${kept}/host.sqlite 2>/dev/null || echo hidden`;
  assert.deepEqual(await sh(look), { exitCode: 0, stdout: "hidden\n" });
});

test("a folder that holds the data directory, or lies in it, is no folder for commands", { skip }, async () => {
  const above = await realpath(await mkdtemp(join(tmpdir(), "berth-above-")));
  await chmod(above, 0o777);
  const dataDir = join(above, "data");
  try {
    await withExec(
      async ({ run }) => {
        for (const workingDirectory of [above, dataDir, join(dataDir, "packages"), "/"])
          assert.deepEqual(
            await run(["/bin/cat"], { workingDirectory }),
            { code: "BROKER_EXEC_REFUSED" },
            workingDirectory,
          );
        for (const workingDirectory of ["/proc", "/dev", "/sys"])
          assert.deepEqual(
            await run(["/bin/cat"], { workingDirectory }),
            { code: "BROKER_EXEC_REFUSED" },
            workingDirectory,
          );
        assert.deepEqual(await run(["/bin/cat"], { workingDirectory: "/usr/share", write: true }), {
          code: "BROKER_EXEC_REFUSED",
        });
        assert.deepEqual(await run(["/bin/cat"], { workingDirectory: "/usr/share" }), { exitCode: 0, stdout: "" });
      },
      { permission: { workingDirectory: "/" }, options: { dataDir } },
    );
  } finally {
    await rm(above, { recursive: true });
  }
});

inside("no link leads a command to another folder", async ({ run, sh, folder }) => {
  await mkdir(join(folder, "sub"), { mode: 0o755 });
  await symlink("/usr/share", join(folder, "link"));
  await writeFile(join(folder, "file"), "");
  for (const path of ["link", "link/doc", "gone", "file"])
    assert.deepEqual(await run(["/bin/cat"], { workingDirectory: join(folder, path) }), {
      code: "BROKER_EXEC_REFUSED",
    });
  // A link that a command follows inside leads to what is inside.
  await symlink("/etc/passwd", join(folder, "passwd"));
  assert.deepEqual(await sh("cat passwd 2>/dev/null || echo nothing"), { exitCode: 0, stdout: "nothing\n" });
});

test(
  "a program that others could exchange, or that is none, is refused",
  { skip: process.platform !== "linux" && "programs need Linux" },
  async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-tools-")));
    const tools = join(folder, "tools");
    await mkdir(tools, { mode: 0o755 });
    const places = { folders: ["/usr", "/bin", tools], hasOwnUser: false };
    const refuses = (path: string, why: RegExp): Promise<void> =>
      assert.rejects(verifyProgram(path, places), (error: unknown) => {
        const { code, message } = error as { code: string; message: string };
        assert.equal(code, "BROKER_EXEC_REFUSED");
        assert.match(message, why);
        return true;
      });
    try {
      await verifyProgram("/bin/sh", places);
      for (const path of ["sh", "bin/sh", "/usr/bin/../bin/sh", "/usr//bin/sh", "/usr/bin/", "", "/usr/bin/./sh"])
        await refuses(path, /is not named by an absolute path/);
      await refuses(join(folder, "elsewhere"), /lies neither in/);
      await refuses("/usrx/bin/sh", /lies neither in/);
      await refuses("/usr/bin/berth-no-such-program", /ENOENT/);
      await refuses("/usr/bin", /is no file/);
      // Below a folder that everybody may write to, such as /tmp, nothing is safe.
      await cp("/bin/sh", join(tools, "sh"));
      await refuses(join(tools, "sh"), /others may write to/);
      await writeFile(join(folder, "outside"), "#!/bin/sh\n", { mode: 0o755 });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test(
  "a program in a safe folder is checked itself",
  { skip: process.getuid?.() !== 0 && "a safe folder is root's to make" },
  async () => {
    const folder = await realpath(await mkdtemp("/var/cache/berth-tools-"));
    await chmod(folder, 0o755);
    const places = { folders: ["/usr", "/bin", folder], hasOwnUser: true };
    const why = async (path: string): Promise<string> => {
      try {
        await verifyProgram(path, places);
        return "safe";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const tool = join(folder, "tool");
    try {
      await writeFile(tool, "#!/bin/sh\n", { mode: 0o755 });
      assert.equal(await why(tool), "safe");
      await chmod(tool, 0o700);
      assert.match(await why(tool), /may not be run/);
      for (const mode of [0o777, 0o775, 0o757]) {
        await chmod(tool, mode);
        assert.match(await why(tool), /others may write to/, mode.toString(8));
      }
      await writeFile(join(folder, "bare"), "echo no interpreter is named\n", { mode: 0o755 });
      assert.match(await why(join(folder, "bare")), /names its interpreter/);
      await symlink("/bin/sh", join(folder, "inside"));
      assert.equal(await why(join(folder, "inside")), "safe");
      await symlink("/etc/hostname", join(folder, "out"));
      assert.match(await why(join(folder, "out")), /lies neither in/);
      await symlink(join(folder, "round"), join(folder, "round"));
      assert.match(await why(join(folder, "round")), /too many links/);
      await mkdir(join(folder, "open"));
      await chmod(join(folder, "open"), 0o777);
      await symlink("/bin/sh", join(folder, "open/sh"));
      assert.match(
        await why(join(folder, "open/sh")),
        /others may write to/,
        "whoever makes the link chooses the program",
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

inside(
  "programs that are not to be found, or lie elsewhere, are refused",
  async ({ run, folder }) => {
    for (const command of [["/usr/bin/berth-none"], ["sh", "-c", "id"], ["/etc/hostname"]])
      assert.deepEqual(await run(command), { code: "BROKER_EXEC_REFUSED" }, command[0]);
    assert.ok(existsSync(folder));
  },
  { commands: [["/usr/bin/berth-none"], ["sh", "-c", "id"], ["/etc/hostname"]] },
);

test("without a wall nothing runs, and it is said what is missing", () =>
  withExec(
    async ({ run, host }) => {
      assert.deepEqual(await run(["/bin/cat"]), { code: "BROKER_EXEC_UNSUPPORTED" });
      const [plugin] = await host.list();
      assert.equal(plugin?.id, "acme.demo");
    },
    { options: { walls: { searchPath: "/nonexistent" } } },
  ));

inside(
  "a pure action runs nothing, and an idempotent one that is repeated runs nothing twice",
  async ({ run, host, folder }) => {
    const append = [SH, { values: { script: "echo once >>log" }, write: true }];
    assert.deepEqual(await run(append[0], append[1] as object, "pure"), { code: "BROKER_EFFECT_DENIED" });
    assert.ok(!existsSync(join(folder, "log")));
    for (let turn = 0; turn < 2; turn += 1)
      assert.deepEqual(await host.call("acme.demo", "again", append, { idempotencyKey: `key-${turn % 1}` }), {
        exitCode: 0,
        stdout: "",
      });
    assert.equal(await readFile(join(folder, "log"), "utf8"), "once\n");
  },
);

inside("a right that is taken back ends what runs by it", async ({ sh, host, folder }) => {
  const mark = "86394.41";
  const underWay = sh(staying(mark), { write: true });
  await until(() => existsSync(join(folder, "begun")));
  await host.revoke("acme.demo", "system_exec");
  assert.deepEqual(await underWay, { code: "BROKER_DENIED", term: "grant", permission: "system_exec" });
  assert.ok(!isRunning(mark));
});

inside("what a plugin runs for another one ends with the other one's right", async ({ host, folder }) => {
  const mark = "86394.47";
  const exec = {
    name: "system_exec",
    commands: [{ run: SH }],
    workingDirectory: folder,
    write: true,
    timeMs: 60_000,
    reason: "to test",
  };
  const plugins = { name: "platform_services", plugins: { actions: ["acme.demo/run"] }, reason: "to test" };
  await install(
    host,
    makePackage({
      id: "acme.caller",
      code: `var berthPlugin = { actions: { ask: (input, ctx) => ctx.plugins.call("acme.demo", "run", input) } };`,
      manifest: {
        permissions: [exec, plugins],
        dependencies: { "acme.demo": "^1.0" },
        contributes: { actions: { ask: any } },
      },
    }),
  );
  const underWay = host.call("acme.caller", "ask", [SH, { values: { script: staying(mark) }, write: true }]);
  await until(() => existsSync(join(folder, "begun")));
  await host.revoke("acme.caller", "system_exec");
  assert.deepEqual(await underWay, {
    code: "BROKER_DENIED",
    term: "caller",
    permission: "system_exec",
    callerPlugin: "acme.caller",
  });
  assert.ok(!isRunning(mark));
});

test("a grant that ends by its time ends what runs by it", { skip }, async () => {
  const mark = "86394.42";
  let now = new Date("2026-06-01T00:00:00.000Z");
  await withExec(
    async ({ sh, host, folder }) => {
      await host.revoke("acme.demo", "system_exec");
      const stated = {
        name: "system_exec",
        commands: COMMANDS.map((run) => ({ run })),
        workingDirectory: folder,
        write: true,
        timeMs: 60_000,
      };
      await host.grant("acme.demo", statedPermissionSchema.parse(stated), { expiresAt: "2026-06-01T01:00:00.000Z" });
      const underWay = sh(staying(mark), { write: true });
      await until(() => existsSync(join(folder, "begun")));
      now = new Date("2026-06-01T01:00:00.001Z");
      assert.deepEqual(await underWay, { code: "BROKER_DENIED", term: "grant", permission: "system_exec" });
      assert.ok(!isRunning(mark));
    },
    { options: { now: () => now } },
  );
});

inside(
  "a call that is cancelled, and a plugin that is switched off, end their commands",
  async ({ host, sh, folder }) => {
    const mark = "86394.43";
    const controller = new AbortController();
    const cancelled = host.call("acme.demo", "run", [SH, { values: { script: staying(mark) }, write: true }], {
      signal: controller.signal,
    });
    await until(() => existsSync(join(folder, "begun")));
    controller.abort();
    await assert.rejects(cancelled);
    await until(() => !isRunning(mark));

    await rm(join(folder, "begun"));
    const lost = assert.rejects(sh(staying(mark), { write: true }));
    await until(() => existsSync(join(folder, "begun")));
    await host.disable("acme.demo");
    await lost;
    await until(() => !isRunning(mark));
  },
);

inside(
  "a call's deadline ends its commands",
  async ({ sh }) => {
    const mark = "86394.44";
    const outcome = await sh(staying(mark)).catch((error: unknown) => error);
    // The command's time is what its call has left: either of the two may be noticed first.
    const { code } = outcome as { code?: string };
    assert.ok(code === "SANDBOX_DEADLINE" || code === "BROKER_EXEC_ENDED", JSON.stringify(outcome));
    await until(() => !isRunning(mark));
  },
  { manifest: { limits: { cpuMs: 1_500, wallMs: 1_500 } } },
);

inside(
  "the time of the permission ends a command and what it started",
  async ({ sh }) => {
    const mark = "86394.45";
    assert.deepEqual(await sh(`(setsid sleep ${mark} &); sleep ${mark}`), { code: "BROKER_EXEC_ENDED", limit: "time" });
    assert.ok(!isRunning(mark));
  },
  { permission: { timeMs: 700 } },
);

inside("a flood of output ends the command", async ({ sh }) => {
  assert.deepEqual(await sh("while :; do cat /usr/bin/* 2>/dev/null; done"), {
    code: "BROKER_EXEC_ENDED",
    limit: "output",
  });
});

inside("closing the host ends every command before it returns", async ({ host, sh, folder }) => {
  const mark = "86394.46";
  const lost = assert.rejects(sh(staying(mark), { write: true }));
  await until(() => existsSync(join(folder, "begun")));
  await host.close();
  assert.ok(!isRunning(mark));
  await lost;
});

inside("a command whose starter is lost is told of as lost, and the next one runs", async ({ sh, folder }) => {
  const mark = "86394.48";
  const lost = sh(staying(mark), { write: true });
  await until(() => existsSync(join(folder, "begun")));
  process.kill(starterOf(mark), "SIGKILL");
  assert.deepEqual(await lost, { code: "BROKER_EXEC_FAILED" });
  await until(() => !isRunning(mark));
  assert.deepEqual(await sh("echo on"), { exitCode: 0, stdout: "on\n" });
});

inside("commands at the same time keep apart, and no plugin has more than four", async ({ host, folder }) => {
  const texts = ["one", "two", "three", "four"];
  const ran = await host.call(
    "acme.demo",
    "many",
    texts.map((text) => [["/bin/echo", "{text}"], { values: { text } }]),
  );
  assert.deepEqual(
    ran,
    texts.map((text) => ({ exitCode: 0, stdout: `${text}\n` })),
  );
  const waiting =
    'echo >"begun-$$-$(cat /proc/sys/kernel/random/uuid)"; while [ ! -e go ]; do sleep 0.02; done; echo went';
  const five = host.call(
    "acme.demo",
    "many",
    Array.from({ length: 5 }, () => [SH, { values: { script: waiting }, write: true }]),
  );
  await until(() => readdirSync(folder).filter((name) => name.startsWith("begun-")).length === 4);
  await writeFile(join(folder, "go"), "");
  const codes = ((await five) as { exitCode?: number; code?: string }[]).map(({ exitCode, code }) => exitCode ?? code);
  assert.deepEqual(codes, [0, 0, 0, 0, "BROKER_QUOTA_EXCEEDED"]);
});

inside("what was used is what is suggested, and the journal has no value in it", async ({ run, host, folder }) => {
  await run(["/bin/echo", "{text}"], { values: { text: "never-journalled-881" } });
  const { permissions } = await host.suggestPermissions("acme.demo");
  const [suggested] = permissions;
  assert.ok(suggested?.name === "system_exec");
  assert.deepEqual(
    [suggested.commands, suggested.environment, suggested.write, suggested.workingDirectory],
    [[{ run: ["/bin/echo", "{text}"] }], [], false, folder],
  );
  const records = await host.journal();
  assert.doesNotMatch(JSON.stringify(records), /never-journalled-881/);
});
