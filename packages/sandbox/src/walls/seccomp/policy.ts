// The filters of a sandbox host. Behind the full wall there are two. The first is in force from its launcher's exec on and admits what Node needs to
// start; the second is put on top of it by the sandbox host itself, before it reads the first byte of its pipe, and
// leaves no way to a file, a socket, a process or a program. Behind the others it puts a third kind on itself, which
// leaves files and sockets, but neither programs nor processes. Programs that plugins run have a filter of their own.
import type { Rule, Rules } from "./filter.ts";
import type { SyscallName } from "./syscalls.ts";

const ALLOW: Rule = { kind: "allow" };
const REFUSE: Rule = { kind: "refuse" };
const ABSENT: Rule = { kind: "absent" };

const CLONE_THREAD = 0x0001_0000;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0080;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const PR_SET_VMA = 0x5356_4d41;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const FIONBIO = 0x5421;
const FIOCLEX = 0x5451;
const TCGETS = 0x5401;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** SIOC* of linux/sockios.h, from SIOCSPGRP's neighbours to the bridges'. */
const INTERFACE_REQUESTS = Array.from({ length: 0x55 }, (_, index) => 0x8900 + index);
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
/** MAP_SHARED, MAP_PRIVATE and their combinations, and MAP_HUGETLB. */
const MAP_KINDS = 0x0f | 0x4_0000;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
/** What an allocator says of its own pages: NORMAL, DONTNEED, FREE, DONTFORK, (NO)HUGEPAGE, (DO)DUMP, guards. */
const OWN_PAGES = [0, 4, 8, 10, 14, 15, 16, 17, 102, 103];
/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and the bit of O_TMPFILE that is not O_DIRECTORY. */
const O_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20_000_000;
/** O_CREAT and the bit of O_TMPFILE that is not O_DIRECTORY. */
const O_CREATING = 0o100 | 0o20_000_000;
/** S_ISUID and S_ISGID. */
const OTHERS_RIGHTS = 0o6000;
const SOCK_STREAM = 1;
/** Without SOCK_CLOEXEC and SOCK_NONBLOCK, which stand in the same argument. */
const SOCKET_TYPES = 0x0f;

const all = (names: readonly SyscallName[], rule: Rule): Rules => Object.fromEntries(names.map((name) => [name, rule]));
const allowAll = (names: readonly SyscallName[]): Rules => all(names, ALLOW);

/** Threads, but neither processes nor namespaces. The flags of clone3 lie in memory, where no filter can look. */
const THREADS_ONLY: Rules = {
  clone: { kind: "argument-bits", argument: 0, mask: CLONE_THREAD | CLONE_NAMESPACES, bits: CLONE_THREAD },
  clone3: ABSENT,
};

/**
 * Pages of a shared mapping stay when they are dropped from it, and huge pages are of a store of their own: neither
 * shows in a process's memory, which is what the watchdog looks at.
 */
const PRIVATE_MEMORY: Rules = {
  mmap: { kind: "argument-bits", argument: 3, mask: MAP_KINDS, bits: MAP_PRIVATE },
};

/** Opening, unless it makes a file with rights of its owner for others; the mode stands behind the flags. */
const newFiles = (flags: number): Rule => ({
  kind: "bits-together",
  pairs: [
    [flags, O_CREATING],
    [flags + 1, OTHERS_RIGHTS],
  ],
});

const SERVING: Rules = {
  ...allowAll(["read", "write", "readv", "writev", "close", "fstat", "shutdown"]),
  ...allowAll(["epoll_ctl", "epoll_wait", "epoll_pwait"]),
  // Executable memory is what a compiler of JavaScript is for; it cannot be refused to V8.
  ...allowAll(["mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "membarrier"]),
  ...allowAll(["pkey_alloc", "pkey_free", "pkey_mprotect"]),
  ...allowAll(["futex", "set_robust_list", "rseq", "gettid", "getpid", "exit", "exit_group", "restart_syscall"]),
  ...allowAll(["rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"]),
  ...allowAll(["sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler"]),
  ...allowAll(["clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday"]),
  ...allowAll(["getrusage", "getrandom", "sysinfo"]),
  ...THREADS_ONLY,
  prctl: { kind: "argument-among", argument: 0, values: [PR_SET_NAME, PR_SET_VMA] },
  // Limits may be read, not set.
  prlimit64: { kind: "argument-null", argument: 2 },
  ioctl: { kind: "argument-among", argument: 1, values: [FIONBIO, FIOCLEX, TCGETS] },
  // Not F_DUPFD, F_SETOWN, F_SETPIPE_SZ, leases and locks.
  fcntl: { kind: "argument-among", argument: 1, values: [F_GETFD, F_SETFD, F_GETFL, F_SETFL] },
  // A ring's operations pass no filter.
  io_uring_setup: ABSENT,
};

/** In force from the launcher's exec of Node until the sandbox host serves. */
export const STARTING_RULES: Rules = {
  ...SERVING,
  ...allowAll(["execve", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"]),
  ...allowAll(["readlink", "readlinkat", "getcwd", "getdents64", "lseek", "pread64"]),
  ...allowAll(["arch_prctl", "set_tid_address", "getuid", "geteuid", "getgid", "getegid", "capget", "uname"]),
  ...allowAll([
    "getsockname",
    "getsockopt",
    "epoll_create1",
    "eventfd2",
    "pipe2",
    "poll",
    "ppoll",
    "tgkill",
    "seccomp",
    "close_range",
  ]),
  open: { kind: "argument-bits", argument: 1, mask: O_WRITING, bits: 0 },
  openat: { kind: "argument-bits", argument: 2, mask: O_WRITING, bits: 0 },
  prctl: {
    kind: "argument-among",
    argument: 0,
    values: [PR_SET_NAME, PR_SET_VMA, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS],
  },
  // The sandbox host lowers its own limits before it serves.
  prlimit64: ALLOW,
};

/** In force while the sandbox host serves. `pid` is its own: `abort` must work, other processes are out of reach. */
export const servingRules = (pid: number): Rules => ({
  ...SERVING,
  ...PRIVATE_MEMORY,
  // Not MADV_PAGEOUT and MADV_COLD, which move memory to where the watchdog does not look, and not MADV_MERGEABLE, which
  // shows by its timing what other processes hold.
  madvise: { kind: "argument-among", argument: 2, values: OWN_PAGES },
  tgkill: { kind: "argument-among", argument: 0, values: [pid] },
});

/** What reaches into other processes, or into rare parts of the kernel, and what namespaces are made with. */
const REACHING: Rules = {
  ...all(["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"], REFUSE),
  ...all(["pidfd_open", "pidfd_getfd", "pidfd_send_signal"], REFUSE),
  ...all(["migrate_pages", "move_pages"], REFUSE),
  ...all(["unshare", "setns", "mount", "umount2", "pivot_root", "chroot"], REFUSE),
  ...all(["open_tree", "move_mount", "fsopen", "mount_setattr"], REFUSE),
  ...all(["add_key", "request_key", "keyctl", "bpf", "userfaultfd", "perf_event_open", "personality"], REFUSE),
  // What is taken by these outlives the process, or is held by no process that can be watched.
  ...all(["shmget", "shmat", "semget", "msgget", "mq_open"], REFUSE),
  io_uring_setup: ABSENT,
  // Typing into a terminal.
  ioctl: { kind: "argument-none-of", argument: 1, values: [TIOCSTI, TIOCLINUX] },
};

/**
 * Puts an end to programs, processes, other processes, namespaces and rare parts of the kernel where nothing else does;
 * what is not named is admitted. Node has an io_uring by then, so files and sockets cannot be among them: a ring's
 * operations pass no filter, but none of them makes a process or runs a program. The filter must not change the
 * signal that ends the process with its parent, either.
 */
export const basicRules = (pid: number): Rules => ({
  ...all(["execve", "execveat", "fork", "vfork"], REFUSE),
  ...THREADS_ONLY,
  ...PRIVATE_MEMORY,
  ...REACHING,
  ...all(["kill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"], REFUSE),
  tgkill: { kind: "argument-among", argument: 0, values: [pid] },
  ...all(["setpriority", "ioprio_set"], REFUSE),
  ...all(["sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr"], REFUSE),
  seccomp: REFUSE,
  prctl: { kind: "argument-among", argument: 0, values: [PR_SET_NAME, PR_SET_VMA] },
  prlimit64: { kind: "argument-null", argument: 2 },
});

/**
 * For a program of the machine that a plugin runs: what is not named is admitted. It may start programs and processes,
 * which its namespace holds, and change files, which its mounts hold; it has no sockets but pairs of connected ones,
 * since neither vsock nor a socket that lies in a folder is held by a namespace.
 */
export const PROGRAM_RULES: Rules = {
  ...REACHING,
  clone: { kind: "argument-bits", argument: 0, mask: CLONE_NAMESPACES, bits: 0 },
  clone3: ABSENT,
  // The first process of the namespace would stay when the embedding program is killed.
  prctl: { kind: "argument-none-of", argument: 0, values: [PR_SET_PDEATHSIG] },
  ...all(["socket", "connect", "bind", "listen"], REFUSE),
  // Its own output is a pair of sockets that was made outside: what is asked of such a one about interfaces is answered
  // for the machine's.
  ioctl: { kind: "argument-none-of", argument: 1, values: [TIOCSTI, TIOCLINUX, ...INTERFACE_REQUESTS] },
  // A pair of datagram sockets can be pointed at somebody else.
  socketpair: { kind: "argument-bits", argument: 1, mask: SOCKET_TYPES, bits: SOCK_STREAM },
  // Pages that stay when nobody has them mapped count as nobody's memory.
  memfd_create: REFUSE,
  mmap: {
    kind: "bits-together",
    pairs: [
      [3, MAP_SHARED],
      [3, MAP_ANONYMOUS],
    ],
  },
  // A file in a folder of the machine that gives whoever runs it the rights of this program's user.
  ...all(["chmod", "fchmod"], { kind: "argument-bits", argument: 1, mask: OTHERS_RIGHTS, bits: 0 }),
  ...all(["mknod", "creat"], { kind: "argument-bits", argument: 1, mask: OTHERS_RIGHTS, bits: 0 }),
  ...all(["fchmodat", "mknodat"], { kind: "argument-bits", argument: 2, mask: OTHERS_RIGHTS, bits: 0 }),
  open: newFiles(1),
  openat: newFiles(2),
  // What these ask for lies in memory, or they are too new to be missed.
  ...all(["openat2", "fchmodat2"], ABSENT),
};
