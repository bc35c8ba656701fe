import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";

import { Verdict, assemble, end, load, whenEqual } from "../../src/walls/seccomp/bpf.ts";
import { compileFilter } from "../../src/walls/seccomp/filter.ts";
import { PROGRAM_RULES, STARTING_RULES, basicRules, servingRules } from "../../src/walls/seccomp/policy.ts";
import { AUDIT_ARCH, SYSCALLS, syscallNumber } from "../../src/walls/seccomp/syscalls.ts";
import type { FilterArch, SyscallName } from "../../src/walls/seccomp/syscalls.ts";

const EPERM = Verdict.failWith(1);
const ENOSYS = Verdict.failWith(38);
const PID = 77;

interface Syscall {
  readonly number: number;
  readonly arch?: number;
  readonly args?: readonly bigint[];
}

/** What the kernel would answer: runs a program over `struct seccomp_data`. */
function verdictOf(program: Uint8Array, { number, arch = AUDIT_ARCH.x64, args = [] }: Syscall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, number, true);
  data.setUint32(4, arch, true);
  for (const [index, arg] of args.entries()) data.setBigUint64(16 + 8 * index, arg, true);
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.byteLength / 8; at += 1) {
    const [ifTrue, ifFalse, value] = [
      code.getUint8(at * 8 + 2),
      code.getUint8(at * 8 + 3),
      code.getUint32(at * 8 + 4, true),
    ];
    switch (code.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = data.getUint32(value, true);
        break;
      case 0x54:
        accumulator = (accumulator & value) >>> 0;
        break;
      case 0x15:
        at += accumulator === value ? ifTrue : ifFalse;
        break;
      case 0x35:
        at += accumulator >= value ? ifTrue : ifFalse;
        break;
      case 0x06:
        return value;
      default:
        assert.fail(`instruction ${at} is none of ours`);
    }
  }
  return assert.fail("the program ran off its end");
}

const serving = compileFilter(servingRules(PID), "x64");
const basic = compileFilter(basicRules(PID), "x64", "allow");
const starting = compileFilter(STARTING_RULES, "x64");
const numberOf = (name: SyscallName): number => syscallNumber(name, "x64") ?? assert.fail(name);
const whileServing = (name: SyscallName, ...args: bigint[]): number =>
  verdictOf(serving, { number: numberOf(name), args });
const whileStarting = (name: SyscallName, ...args: bigint[]): number =>
  verdictOf(starting, { number: numberOf(name), args });

/** Numbers of x86-64 that no filter names. */
const UNNAMED = {
  socket: 41, connect: 42, accept: 43, sendto: 44, recvfrom: 45, sendmsg: 46, recvmsg: 47, bind: 49, listen: 50,
  socketpair: 53, fork: 57, vfork: 58, kill: 62, mkdir: 83, unlink: 87, chmod: 90, ptrace: 101, setuid: 105,
  setgid: 106, mount: 165, chroot: 161, pivot_root: 155, sethostname: 170, init_module: 175, keyctl: 250,
  add_key: 248, unshare: 272, setns: 308, process_vm_readv: 310, process_vm_writev: 311, memfd_create: 319, bpf: 321,
  execveat: 322, userfaultfd: 323, pidfd_send_signal: 424, io_uring_enter: 426, io_uring_register: 427,
  open_tree: 428, fsopen: 430, pidfd_open: 434, openat2: 437, pidfd_getfd: 438, perf_event_open: 298, tkill: 200,
  rt_sigqueueinfo: 129, shmget: 29, personality: 135, quotactl: 179, kexec_load: 246, name_to_handle_at: 303,
} as const; // prettier-ignore

test("ends the process for a call of another architecture or of x32", () => {
  for (const filter of [starting, serving, basic]) {
    assert.equal(verdictOf(filter, { number: 0, arch: 0x4000_0003 }), Verdict.killProcess, "i386");
    assert.equal(verdictOf(filter, { number: 0, arch: AUDIT_ARCH.arm64 }), Verdict.killProcess);
    assert.equal(verdictOf(filter, { number: 0x4000_0000 }), Verdict.killProcess, "x32 read");
    assert.equal(verdictOf(filter, { number: -1 }), Verdict.killProcess);
  }
});

test("refuses every call that it does not name", () => {
  for (const filter of [starting, serving]) {
    for (const [name, number] of Object.entries(UNNAMED)) assert.equal(verdictOf(filter, { number }), EPERM, name);
    for (let number = 463; number < 1_024; number += 1) assert.equal(verdictOf(filter, { number }), EPERM, `${number}`);
  }
});

test("leaves no way to a file or a program while serving", () => {
  for (const name of ["execve", "open", "openat", "stat", "newfstatat", "statx", "readlink", "getdents64"] as const)
    assert.equal(whileServing(name), EPERM, name);
  for (const name of ["read", "write", "munmap", "mprotect", "futex", "epoll_pwait", "exit_group"] as const)
    assert.equal(whileServing(name), Verdict.allow, name);
});

test("admits exec and reading, but no writing, while starting", () => {
  assert.equal(whileStarting("execve"), Verdict.allow);
  const O_CLOEXEC = 0o2_000_000n;
  assert.equal(whileStarting("openat", 0n, 0n, O_CLOEXEC), Verdict.allow);
  for (const flag of [0o1n, 0o2n, 0o100n, 0o1000n, 0o20_200_000n])
    assert.equal(whileStarting("openat", 0n, 0n, O_CLOEXEC | flag), EPERM, flag.toString(8));
  assert.equal(whileStarting("open", 0n, 0o1n), EPERM);
});

test("admits threads, but neither processes nor namespaces", () => {
  const pthread = 0x3d0f00n;
  assert.equal(whileServing("clone", pthread), Verdict.allow);
  assert.equal(whileServing("clone", 0x11n), EPERM, "fork");
  for (const namespace of [0x0002_0000n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n])
    assert.equal(whileServing("clone", pthread | namespace), EPERM);
  assert.equal(whileServing("clone3"), ENOSYS, "the C library then takes clone");
});

test("admits private memory only, and no advice that hides it", () => {
  const flags = (filter: Uint8Array, bits: bigint): number =>
    verdictOf(filter, { number: numberOf("mmap"), args: [0n, 4_096n, 3n, bits] });
  for (const filter of [serving, basic]) {
    for (const bits of [0x22n, 0x2n, 0x4022n, 0x2_0022n]) assert.equal(flags(filter, bits), Verdict.allow);
    for (const bits of [0x21n, 0x1n, 0x3n, 0x20n, 0x4_0022n, 0x5540_0022n | 0x4_0000n])
      assert.equal(flags(filter, bits), EPERM, bits.toString(16));
  }
  for (const advice of [4n, 8n, 14n, 16n]) assert.equal(whileServing("madvise", 0n, 0n, advice), Verdict.allow);
  for (const advice of [12n, 20n, 21n, 22n, 23n, 100n, 101n])
    assert.equal(whileServing("madvise", 0n, 0n, advice), EPERM, `${advice}`);
});

test("without a launcher takes programs, processes and their neighbours, and leaves the rest", () => {
  const verdict = (name: SyscallName, ...args: bigint[]): number => verdictOf(basic, { number: numberOf(name), args });
  for (const name of ["execve", "execveat", "fork", "vfork", "ptrace", "kill", "unshare", "keyctl", "seccomp"] as const)
    assert.equal(verdict(name), EPERM, name);
  assert.equal(verdict("clone", 0x11n), EPERM, "fork");
  assert.equal(verdict("clone", 0x3d0f00n), Verdict.allow, "a thread");
  assert.equal(verdict("clone", 0x3d0f00n | 0x1000_0000n), EPERM, "a thread with a namespace");
  assert.equal(verdict("clone3"), ENOSYS);
  assert.equal(verdict("io_uring_setup"), ENOSYS);
  assert.equal(verdict("prctl", 1n), EPERM, "PR_SET_PDEATHSIG");
  for (const request of [0x5412n, 0x541cn, 0x5412n | (1n << 32n)]) assert.equal(verdict("ioctl", 0n, request), EPERM);
  assert.equal(verdict("ioctl", 0n, 0x5401n), Verdict.allow);
  for (const number of [UNNAMED.socket, numberOf("openat"), 463])
    assert.equal(verdictOf(basic, { number }), Verdict.allow);
});

test("a program of the machine starts others, and has neither sockets, namespaces nor rights to give away", () => {
  const program = compileFilter(PROGRAM_RULES, "x64", "allow");
  const verdict = (name: SyscallName, ...args: bigint[]): number =>
    verdictOf(program, { number: numberOf(name), args });
  for (const name of ["execve", "fork", "vfork", "kill", "openat", "prlimit64"] as const)
    assert.equal(verdict(name), Verdict.allow, name);
  for (const name of ["socket", "connect", "ptrace", "unshare", "keyctl", "memfd_create", "shmget", "bpf"] as const)
    assert.equal(verdict(name), EPERM, name);
  for (const name of ["clone3", "openat2", "fchmodat2", "io_uring_setup"] as const)
    assert.equal(verdict(name), ENOSYS, name);
  assert.equal(verdict("prctl", 1n), EPERM, "PR_SET_PDEATHSIG");
  assert.equal(verdict("prctl", 15n), Verdict.allow, "PR_SET_NAME");
  assert.equal(verdict("clone", 0x11n), Verdict.allow, "fork");
  assert.equal(verdict("clone", 0x1000_0011n), EPERM, "a user namespace");
  assert.equal(verdict("socketpair", 1n, 0x8_0001n), Verdict.allow, "a stream, closed on exec");
  assert.equal(verdict("socketpair", 1n, 2n), EPERM, "datagrams");
  for (const [name, at] of [
    ["chmod", 1],
    ["fchmod", 1],
    ["fchmodat", 2],
    ["creat", 1],
    ["mknodat", 2],
  ] as const) {
    const withMode = (mode: bigint): bigint[] => [...Array.from({ length: at }, () => 0n), mode];
    assert.equal(verdict(name, ...withMode(0o100755n)), Verdict.allow, name);
    for (const mode of [0o4755n, 0o2755n, 0o6000n]) assert.equal(verdict(name, ...withMode(mode)), EPERM, name);
  }
  assert.equal(verdict("mmap", 0n, 4_096n, 3n, 0x21n), EPERM, "shared memory of nobody's");
  for (const flags of [0x22n, 0x01n, 0x02n])
    assert.equal(verdict("mmap", 0n, 4_096n, 3n, flags), Verdict.allow, `${flags}`);
  assert.equal(verdict("openat", 0n, 0n, 0o101n, 0o4755n), EPERM, "a new file");
  assert.equal(verdict("openat", 0n, 0n, 0o20_200_002n, 0o4755n), EPERM, "a new file without a name");
  assert.equal(verdict("openat", 0n, 0n, 0o2n, 0o4755n), Verdict.allow, "whatever lies where no mode is");
  assert.equal(verdict("open", 0n, 0o101n, 0o644n), Verdict.allow);
});

test("lets the process signal itself and nobody else", () => {
  assert.equal(whileServing("tgkill", BigInt(PID)), Verdict.allow);
  assert.equal(whileServing("tgkill", 1n), EPERM);
});

test("lets limits be read and not set while serving, whatever half of the pointer is set", () => {
  assert.equal(whileServing("prlimit64", 0n, 7n, 0n), Verdict.allow);
  assert.equal(whileServing("prlimit64", 0n, 7n, 1n), EPERM);
  assert.equal(whileServing("prlimit64", 0n, 7n, 1n << 32n), EPERM);
  assert.equal(whileServing("prlimit64", 0n, 7n, 0x7fff_0000_0000n), EPERM);
});

test("looks at the low word of an argument, as the kernel does", () => {
  assert.equal(whileServing("prctl", 15n), Verdict.allow, "PR_SET_NAME");
  assert.equal(whileServing("prctl", 15n | (1n << 32n)), Verdict.allow);
  for (const option of [4n, 22n, 24n, 38n, 0x59616d61n]) assert.equal(whileServing("prctl", option), EPERM);
  assert.equal(whileServing("ioctl", 0n, 0x5421n), Verdict.allow, "FIONBIO");
  assert.equal(whileServing("ioctl", 0n, 0x5412n), EPERM, "TIOCSTI");
  assert.equal(whileServing("fcntl", 3n, 0n), EPERM, "F_DUPFD");
});

test("says that there is no io_uring, whose operations pass no filter", () => {
  assert.equal(whileStarting("io_uring_setup"), ENOSYS);
  assert.equal(whileServing("io_uring_setup"), ENOSYS);
});

test("makes a filter for arm64 out of the same rules", () => {
  const filter = compileFilter(servingRules(PID), "arm64");
  const arch = AUDIT_ARCH.arm64;
  assert.equal(verdictOf(filter, { number: 63, arch }), Verdict.allow, "read");
  assert.equal(verdictOf(filter, { number: 221, arch }), EPERM, "execve");
  assert.equal(verdictOf(filter, { number: 198, arch }), EPERM, "socket");
  assert.equal(verdictOf(filter, { number: 63, arch: AUDIT_ARCH.x64 }), Verdict.killProcess);
});

test("refuses programs that the kernel would refuse", () => {
  assert.throws(() => assemble([]), RangeError);
  assert.throws(() => assemble([load(0)]), RangeError);
  assert.throws(() => assemble(Array.from({ length: 5_000 }, () => end(0))), RangeError);
  const far = whenEqual(
    1,
    Array.from({ length: 300 }, () => load(0)),
  );
  assert.throws(() => assemble([...far, end(0)]), RangeError);
});

const HEADERS: Readonly<Record<FilterArch, string>> = {
  x64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  arm64: "/usr/include/asm-generic/unistd.h",
};
/** In the generic header, `__NR3264_fstatat` is what arm64 calls newfstatat. */
const GENERIC_NAMES: Readonly<Partial<Record<SyscallName, string>>> = { newfstatat: "fstatat" };

for (const [arch, header] of Object.entries(HEADERS) as [FilterArch, string][]) {
  test(`has the kernel's own numbers for ${arch}`, { skip: !existsSync(header) && `no ${header} here` }, () => {
    const known = new Map(
      [...readFileSync(header, "utf8").matchAll(/^#define __NR(?:3264)?_(\w+) (\d+)$/gm)].map(([, name, number]) => [
        name,
        Number(number),
      ]),
    );
    const newest = Math.max(...known.values());
    for (const name of Object.keys(SYSCALLS) as SyscallName[]) {
      // Of a newer kernel than these headers.
      if ((syscallNumber(name, arch) ?? 0) > newest) continue;
      const said = arch === "arm64" ? (GENERIC_NAMES[name] ?? name) : name;
      assert.equal(syscallNumber(name, arch), known.get(said), name);
    }
  });
}
