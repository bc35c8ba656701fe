import { ALWAYS, EVERY_WALL, FULL_ONLY, OWN_UID_TOO, attack, call } from "./os-attack.ts";
import type { OsAttack } from "./os-attack.ts";

export const ATTACKS_ON_PROCESSES: readonly OsAttack[] = [
  attack("reads the environment of another process", OWN_UID_TOO, ({ require, target }) =>
    require("node:fs").readFileSync(`/proc/${target.neighbour}/environ`, "utf8"),
  ),
  attack("reads the command line of the embedding program", FULL_ONLY, ({ require, target }) =>
    require("node:fs").readFileSync(`/proc/${target.parent}/cmdline`, "utf8"),
  ),
  attack("lists the descriptors of another process", OWN_UID_TOO, ({ require, target }) =>
    require("node:fs").readdirSync(`/proc/${target.neighbour}/fd`),
  ),
  attack("opens the memory of another process", { "own-uid": "refused", full: "refused" }, ({ require, target }) =>
    require("node:fs").openSync(`/proc/${target.neighbour}/mem`, "r"),
  ),
  attack(
    "opens the memory of the embedding program",
    { "own-uid": "refused", full: "refused" },
    ({ require, target }) => require("node:fs").openSync(`/proc/${target.parent}/mem`, "r"),
  ),
  // Signal 0 asks whether one might, and does nothing.
  call("may signal the embedding program", EVERY_WALL, [62, 129], "target.parent, 0"),
  call("may signal another process", EVERY_WALL, [62, 129], "target.neighbour, 0"),
  call("may signal everybody it can reach", EVERY_WALL, [62, 129], "-1, 0"),
  call("signals a thread of the embedding program (tgkill)", EVERY_WALL, [234, 131], "target.parent, target.parent, 0"),
  call("signals with a value (rt_sigqueueinfo)", EVERY_WALL, [129, 138], "target.neighbour, 0, 0", ["EFAULT"]),
  call("takes a handle on another process (pidfd_open)", EVERY_WALL, [434, 434], "target.neighbour, 0"),
  call(
    "reads the memory of another process (process_vm_readv)",
    EVERY_WALL,
    [310, 270],
    "target.neighbour, 0, 0, 0, 0, 0",
  ),
  call(
    "compares its resources with another process (kcmp)",
    EVERY_WALL,
    [312, 272],
    "target.neighbour, target.parent, 0, 0, 0",
  ),
  call("lowers the priority of another process", EVERY_WALL, [141, 140], "0, target.neighbour, 0"),
  call("takes processors from another process", EVERY_WALL, [203, 122], "target.neighbour, 0, 0", ["EINVAL", "EFAULT"]),
  // PTRACE_SEIZE; the kernel lets go when the attacker ends.
  call("attaches to another process (ptrace)", EVERY_WALL, [101, 117], "0x4206, target.neighbour, 0, 0"),
  call("attaches to the embedding program (ptrace)", EVERY_WALL, [101, 117], "0x4206, target.parent, 0, 0"),
  call("runs a program", EVERY_WALL, [59, 221], '"/nonexistent/program", 0, 0', ["ENOENT"]),
  call("runs Node again", EVERY_WALL, [59, 221], "process.execPath, 0, 0"),
  call("runs a program by descriptor (execveat)", EVERY_WALL, [322, 281], '-100, "/nonexistent/program", 0, 0, 0', [
    "ENOENT",
  ]),
  attack("starts a process (clone)", EVERY_WALL, ({ syscall }) => {
    const SIGCHLD = 17;
    // Bounded: ten children, which end at once.
    for (let count = 0; count < 10; count += 1)
      if (syscall([56, 220], SIGCHLD, 0, 0, 0, 0) === 0) syscall([231, 94], 0);
  }),
  call("starts a process (clone3)", EVERY_WALL, [435, 435], "0, 0", ["EINVAL"]),
  attack("starts a hundred threads", { "own-uid": "refused", full: "refused" }, async ({ require }) => {
    const { Worker } = require("node:worker_threads");
    const workers: InstanceType<typeof Worker>[] = [];
    try {
      for (let count = 0; count < 100; count += 1) {
        const worker = new Worker("setTimeout(() => 0, 60_000)", { eval: true, stdout: true, stderr: true });
        workers.push(worker);
        await new Promise((resolve, reject) => worker.once("online", resolve).once("error", reject));
      }
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }),
  call(
    "writes the memory of another process (process_vm_writev)",
    EVERY_WALL,
    [311, 271],
    "target.neighbour, 0, 0, 0, 0, 0",
  ),
  call("takes a descriptor from another process (pidfd_getfd)", EVERY_WALL, [438, 438], "3, 0, 0", ["EBADF", "EINVAL"]),
  call("outlives the embedding program (PR_SET_PDEATHSIG)", EVERY_WALL, [157, 167], "1, 0, 0, 0, 0"),
  attack("raises its own limits", ALWAYS, ({ syscall }) => {
    const RLIMIT_NOFILE = 7;
    syscall([302, 261], 0, RLIMIT_NOFILE, new BigUint64Array([4_096n, 4_096n]), 0);
  }),
];
