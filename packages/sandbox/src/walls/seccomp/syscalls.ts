/** Processors that there are filters for, by Node's names. */
export type FilterArch = "x64" | "arm64";

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h. */
export const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };

/** On x86-64, numbers from here on are calls of the x32 ABI, which the arch word does not tell apart. */
export const X32_SYSCALL_BIT = 0x4000_0000;

/**
 * Numbers of the system calls that a filter names: x86-64 (asm/unistd_64.h), arm64 (asm-generic/unistd.h).
 * `undefined`: the processor has no such call.
 */
export const SYSCALLS = {
  // Values and waiting on open descriptors.
  read: [0, 63],
  write: [1, 64],
  readv: [19, 65],
  writev: [20, 66],
  close: [3, 57],
  fstat: [5, 80],
  epoll_ctl: [233, 21],
  epoll_wait: [232, undefined],
  epoll_pwait: [281, 22],
  shutdown: [48, 210],
  ioctl: [16, 29],
  fcntl: [72, 25],
  // Memory, also for compiled code.
  mmap: [9, 222],
  munmap: [11, 215],
  mprotect: [10, 226],
  mremap: [25, 216],
  madvise: [28, 233],
  brk: [12, 214],
  pkey_alloc: [330, 289],
  pkey_free: [331, 290],
  pkey_mprotect: [329, 288],
  membarrier: [324, 283],
  // Threads and signals of the process itself.
  clone: [56, 220],
  clone3: [435, 435],
  futex: [202, 98],
  set_robust_list: [273, 99],
  rseq: [334, 293],
  gettid: [186, 178],
  getpid: [39, 172],
  tgkill: [234, 131],
  exit: [60, 93],
  exit_group: [231, 94],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  sigaltstack: [131, 132],
  restart_syscall: [219, 128],
  sched_yield: [24, 124],
  sched_getaffinity: [204, 123],
  sched_getparam: [143, 121],
  sched_getscheduler: [145, 120],
  prctl: [157, 167],
  prlimit64: [302, 261],
  // Time and randomness.
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  nanosleep: [35, 101],
  gettimeofday: [96, 169],
  getrusage: [98, 165],
  getrandom: [318, 278],
  sysinfo: [99, 179],
  // Only while Node starts.
  execve: [59, 221],
  open: [2, undefined],
  openat: [257, 56],
  stat: [4, undefined],
  lstat: [6, undefined],
  newfstatat: [262, 79],
  statx: [332, 291],
  access: [21, undefined],
  faccessat: [269, 48],
  faccessat2: [439, 439],
  readlink: [89, undefined],
  readlinkat: [267, 78],
  getcwd: [79, 17],
  getdents64: [217, 61],
  lseek: [8, 62],
  pread64: [17, 67],
  arch_prctl: [158, undefined],
  set_tid_address: [218, 96],
  getuid: [102, 174],
  geteuid: [107, 175],
  getgid: [104, 176],
  getegid: [108, 177],
  capget: [125, 90],
  uname: [63, 160],
  getsockname: [51, 204],
  getsockopt: [55, 209],
  epoll_create1: [291, 20],
  eventfd2: [290, 19],
  pipe2: [293, 59],
  poll: [7, undefined],
  ppoll: [271, 73],
  io_uring_setup: [425, 425],
  seccomp: [317, 277],
  close_range: [436, 436],
} as const satisfies Record<string, readonly [x64: number | undefined, arm64: number | undefined]>;

export type SyscallName = keyof typeof SYSCALLS;

/** The number of a call, or `undefined` where the processor has none. */
export function syscallNumber(name: SyscallName, arch: FilterArch): number | undefined {
  const [x64, arm64] = SYSCALLS[name];
  return arch === "x64" ? x64 : arm64;
}
