import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";

import { explainBubblewrapFailure } from "../../src/walls/machine-facts.ts";
import type { MachineFacts } from "../../src/walls/machine-facts.ts";
import { findProgram } from "../../src/walls/node-launchers.ts";
import { foreignFunctionsFile } from "../../src/walls/node-foreign-functions.ts";
import { readMachineFacts } from "../../src/walls/node-machine-facts.ts";

const USUAL: MachineFacts = {
  platform: "linux",
  arch: "x64",
  maxUserNamespaces: 15_000,
  unprivilegedUserNamespaces: undefined,
  appArmorRestrictsUserNamespaces: undefined,
  isFiltered: false,
  containerMark: undefined,
  kernel: [6, 1],
};
/** Words of bubblewrap 0.8 and 0.9. */
const NO_NAMESPACE = "bwrap: No permissions to create new namespace, likely because the kernel does not allow it";
const NO_UID_MAP = "bwrap: setting up uid map: Permission denied";
const NO_LOOPBACK = "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted";

for (const [what, facts, words, why, remedy] of [
  [
    "user namespaces switched off",
    { maxUserNamespaces: 0 },
    NO_NAMESPACE,
    /user\.max_user_namespaces is 0/,
    /sysctl -w user\.max/,
  ],
  [
    "namespaces kept to root",
    { unprivilegedUserNamespaces: 0 },
    NO_NAMESPACE,
    /keeps user namespaces to root/,
    /unprivileged_userns_clone=1/,
  ],
  ["AppArmor, at the map", { appArmorRestrictsUserNamespaces: 1 }, NO_UID_MAP, /AppArmor/, /\/etc\/apparmor\.d\/bwrap/],
  ["AppArmor, at the network", { appArmorRestrictsUserNamespaces: 1 }, NO_LOOPBACK, /AppArmor/, /userns,/],
  [
    "a container's filter",
    { isFiltered: true, containerMark: "/.dockerenv" },
    NO_NAMESPACE,
    /container's system-call filter .*\/\.dockerenv/,
    /--security-opt seccomp=/,
  ],
  [
    "a service manager's filter",
    { isFiltered: true },
    NO_NAMESPACE,
    /filter of the service manager/,
    /RestrictNamespaces=/,
  ],
  [
    "a container's filter on a machine with AppArmor",
    { isFiltered: true, containerMark: "/.dockerenv", appArmorRestrictsUserNamespaces: 1 },
    NO_NAMESPACE,
    /container's system-call filter/,
    /seccomp=/,
  ],
  [
    "a container's masked folders",
    { containerMark: "/.dockerenv" },
    "bwrap: Can't mount proc: Operation not permitted",
    /may not mount/,
    /systempaths=unconfined/,
  ],
  [
    "something else",
    {},
    "bwrap: Unknown option --as-pid-1",
    /does not work here .*Unknown option/,
    /bwrap --unshare-all/,
  ],
] as const) {
  test(`tells ${what} apart, with its remedy`, () => {
    const missing = explainBubblewrapFailure({ ...USUAL, ...facts }, words);
    assert.equal(missing.what, "namespaces");
    assert.match(missing.why, why);
    assert.ok(missing.why.includes(words), "bubblewrap's own words are there for whoever knows better");
    assert.match(missing.remedy, remedy);
  });
}

const bubblewrap = await findProgram("bwrap", process.env["PATH"] ?? "");
const facts = await readMachineFacts();
const skip =
  (bubblewrap === undefined && "there is no bwrap here") ||
  ((facts.isFiltered || facts.maxUserNamespaces === 0) && "namespaces are restricted here already");

const FACTS = join(import.meta.dirname, "../../src/walls/node-machine-facts.ts");
const EXPLAIN = join(import.meta.dirname, "../../src/walls/machine-facts.ts");

/** Runs bubblewrap where `prepare` took something away, and explains its failure from there. */
async function explainWhere(prepare: string, launcher: readonly string[] = []): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "berth-facts-"));
  const script = join(folder, "explain.mts");
  await writeFile(
    script,
    `import { spawnSync } from "node:child_process";
     import { writeFileSync } from "node:fs";
     import { createRequire } from "node:module";
     import { explainBubblewrapFailure } from ${JSON.stringify(EXPLAIN)};
     import { readMachineFacts } from ${JSON.stringify(FACTS)};
     ${prepare}
     const { stderr } = spawnSync(${JSON.stringify(bubblewrap)}, ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "true"]);
     console.log(explainBubblewrapFailure(await readMachineFacts(), stderr.toString().trim()).why);`,
  );
  const [command, ...args] = [...launcher, process.execPath, script];
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], timeout: 30_000, killSignal: "SIGKILL" });
  const said = await text(child.stdout);
  await rm(folder, { recursive: true });
  return said;
}

test("finds user namespaces switched off where they really are", { skip }, async () => {
  // The setting belongs to a namespace of this test, not to the machine.
  const said = await explainWhere(
    `writeFileSync("/proc/sys/user/max_user_namespaces", "0");`,
    [
      [bubblewrap ?? "", "--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"],
      ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--"],
    ].flat(),
  );
  assert.match(said, /user\.max_user_namespaces is 0/);
});

test("finds a filter that forbids namespaces where one really is", { skip }, async () => {
  const koffi = foreignFunctionsFile("ld-linux")?.source;
  const said = await explainWhere(`
    // What a container's default profile does: clone and unshare with CLONE_NEWUSER fail with EPERM.
    const koffi = createRequire(${JSON.stringify(koffi)})(${JSON.stringify(koffi)});
    const libc = koffi.load(null);
    const program = ((steps) => new Uint8Array(steps.flatMap(([code, yes, no, value]) =>
      [code & 255, code >> 8, yes, no, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24])))([
      [0x20, 0, 0, 0],
      [0x15, 2, 0, process.arch === "x64" ? 56 : 220],
      [0x15, 1, 0, process.arch === "x64" ? 272 : 97],
      [0x06, 0, 0, 0x7fff0000],
      [0x20, 0, 0, 16],
      [0x45, 0, 1, 0x10000000],
      [0x06, 0, 0, 0x00050001],
      [0x06, 0, 0, 0x7fff0000],
    ]);
    koffi.struct("sock_fprog", { length: "uint16", filter: "const void *" });
    libc.func("int prctl(int, long, long, long, long)")(38, 1, 0, 0, 0);
    const answer = libc.func("long syscall(long, long, long, const sock_fprog *)")(
      process.arch === "x64" ? 317 : 277, 1, 1, { length: 8, filter: program });
    if (answer !== 0) throw new Error("no filter");
  `);
  assert.match(said, /system-call filter .*forbids namespaces/);
});
