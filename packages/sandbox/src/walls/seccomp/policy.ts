// The two filters of a sandbox host. The first is in force from its launcher's exec on and admits what Node needs to
// start; the second is put on top of it by the sandbox host itself, before it reads the first byte of its pipe, and
// leaves no way to a file, a socket, a process or a program.
import type { Rule, Rules } from "./filter.ts";
import type { SyscallName } from "./syscalls.ts";

const ALLOW: Rule = { kind: "allow" };
const ABSENT: Rule = { kind: "absent" };

const CLONE_THREAD = 0x0001_0000;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES = 0x7e02_0080;
const PR_SET_NAME = 15;
const PR_SET_VMA = 0x5356_4d41;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const FIONBIO = 0x5421;
const FIOCLEX = 0x5451;
const TCGETS = 0x5401;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and the bit of O_TMPFILE that is not O_DIRECTORY. */
const O_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20_000_000;

const allowAll = (names: readonly SyscallName[]): Rules => Object.fromEntries(names.map((name) => [name, ALLOW]));

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
  // Threads, but neither processes nor namespaces. The flags of clone3 lie in memory, where no filter can look.
  clone: { kind: "argument-bits", argument: 0, mask: CLONE_THREAD | CLONE_NAMESPACES, bits: CLONE_THREAD },
  clone3: ABSENT,
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
  tgkill: { kind: "argument-among", argument: 0, values: [pid] },
});
