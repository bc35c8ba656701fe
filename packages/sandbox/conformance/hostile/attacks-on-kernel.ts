import { ALWAYS, BY_FULL, EVERY_WALL, FULL_ONLY, attack, call } from "./os-attack.ts";
import type { OsAttack } from "./os-attack.ts";

export const ATTACKS_ON_KERNEL: readonly OsAttack[] = [
  // Flags of a namespace that does not exist: EINVAL shows that the call itself was looked at.
  call("makes namespaces (unshare)", EVERY_WALL, [272, 97], "1", ["EINVAL"]),
  call("makes a user namespace (unshare)", EVERY_WALL, [272, 97], "0x10000000"),
  call("enters a namespace (setns)", EVERY_WALL, [308, 268], "3, 0", ["EINVAL"]),
  call("becomes root (setuid)", ALWAYS, [105, 146], "0"),
  call("becomes root (setresuid)", ALWAYS, [117, 147], "0, 0, 0"),
  call("becomes a member of root's group", ALWAYS, [106, 144], "0"),
  call("drops its groups", ALWAYS, [116, 159], "0, 0"),
  call("uses the kernel's keys (keyctl)", EVERY_WALL, [250, 219], "0, -3, 0", ["ENOKEY"]),
  call("adds a key (add_key)", EVERY_WALL, [248, 217], "0, 0, 0, 0, 0", ["EFAULT", "EINVAL"]),
  call("loads a program into the kernel (bpf)", EVERY_WALL, [321, 280], "0, 0, 0", ["EINVAL", "EFAULT", "E2BIG"]),
  call("handles page faults itself (userfaultfd)", EVERY_WALL, [323, 282], "1"),
  call("makes an io_uring", EVERY_WALL, [425, 425], "1, 0", ["EFAULT"]),
  call("uses an io_uring that is open", FULL_ONLY, [426, 426], "3, 0, 0, 0, 0, 0", ["EOPNOTSUPP", "ENOTSUP"]),
  call("counts events of the processor (perf_event_open)", EVERY_WALL, [298, 241], "0, 0, -1, -1, 0", ["EFAULT"]),
  call("loads a module", ALWAYS, [175, 105], "0, 0, 0"),
  call("loads another kernel", ALWAYS, [246, 104], "0, 0, 0, 0"),
  call("sets the clock", BY_FULL, [227, 112], "0, 0"),
  call("reads the kernel's log", BY_FULL, [103, 116], "10, 0, 0"),
  call("names the machine", ALWAYS, [170, 161], '"x", 1'),
  call("switches swapping on", ALWAYS, [167, 224], '"/nonexistent", 0'),
  attack("takes shared memory (shmget)", EVERY_WALL, ({ syscall }) => {
    const segment = syscall([29, 194], 0, 4_096, 0);
    syscall([31, 195], segment, 0, 0); // shmctl IPC_RMID: it would outlive the process.
  }),
  // Memory that no watchdog sees: pages of a shared mapping stay when they are dropped from it.
  call("maps shared memory", EVERY_WALL, [9, 222], "0, 4_096, 3, 0x21, -1, 0"),
  call("maps huge pages of the machine's store", EVERY_WALL, [9, 222], "0, 2_097_152, 3, 0x4_0022, -1, 0", ["ENOMEM"]),
  call("moves memory to swap (MADV_PAGEOUT)", FULL_ONLY, [28, 233], "0, 0, 21"),
  call("merges its pages with those of others (MADV_MERGEABLE)", BY_FULL, [28, 233], "0, 0, 12"),
  call("takes a message queue (mq_open)", EVERY_WALL, [240, 180], '"berth-attack", 0, 0, 0', ["ENOENT"]),
  call("turns off the randomness of addresses (personality)", EVERY_WALL, [135, 92], "-1"),
  call("changes a filter or asks about it (seccomp)", EVERY_WALL, [317, 277], "2, 0, 0", ["EFAULT"]),
  call("types into a terminal (TIOCSTI)", EVERY_WALL, [16, 29], "3, 0x5412, 0", ["ENOTTY"]),
];
