import { closeSync, fstatSync } from "node:fs";
import { createRequire } from "node:module";

import { PIPE_DESCRIPTOR } from "../protocol.ts";
import type { Confinement } from "./sandbox-host-arguments.ts";
import { basicRules, servingRules } from "./seccomp/policy.ts";
import { compileFilter } from "./seccomp/filter.ts";
import type { FilterArch } from "./seccomp/syscalls.ts";
import { syscallNumber } from "./seccomp/syscalls.ts";

/** The little that is used of koffi (koffi.dev). */
interface Koffi {
  load(path: null): { func(signature: string): (...args: unknown[]) => number };
  struct(name: string, members: Readonly<Record<string, string>>): unknown;
  errno(): number;
}

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const PR_SET_DUMPABLE = 4;
const PR_GET_DUMPABLE = 3;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
/**
 * Node has threads already; a filter on one of them would be none. It also takes along PR_SET_NO_NEW_PRIVS, which is a
 * thread's own: programs with more rights could be run from the others.
 */
const SECCOMP_FILTER_FLAG_TSYNC = 1;

const F_GETFD = 1;
const FD_CLOEXEC = 1;
/** As far as a kernel without close_range is searched for inherited descriptors. */
const OLD_KERNEL_DESCRIPTORS = 65_536;

/** Numbers of asm-generic/resource.h, the same on both processors. */
const Limit = { fileSize: 1, core: 4, processes: 6, openFiles: 7 } as const;

/** Ends this process at once. */
export type Leave = (code: number) => void;

/**
 * Takes from this process, for good, what a sandbox host does not need once it serves: inherited descriptors, core
 * dumps, growing files, being looked into, programs and processes, and, with the filter for serving, files and sockets.
 * To be called when everything is loaded and before the first foreign byte is read.
 *
 * @returns how this process ends itself from now on: what libraries have registered for an orderly exit waits for ever
 *   when they may do nothing any more (koffi's does)
 * @throws Error when the system refuses any step: the process must not serve then
 */
export function confine(libraryPath: string, { maxOpenFiles, maxThreads, filter: kind }: Confinement): Leave {
  const koffi = createRequire(libraryPath)(libraryPath) as Koffi;
  const libc = koffi.load(null);
  const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
  const end = libc.func("void _exit(int)");
  const setrlimit = libc.func("int setrlimit(int, const void *)");
  const must = (what: string, answer: number): void => {
    if (answer !== 0) throw new Error(`${what} failed with error ${koffi.errno()}`);
  };

  closeInherited(
    libc.func("int fcntl(int, int)"),
    libc.func("int close_range(unsigned int, unsigned int, int)"),
    maxOpenFiles,
  );
  const limits: [number, number][] = [
    [Limit.core, 0],
    [Limit.fileSize, 0],
    [Limit.openFiles, maxOpenFiles],
    ...(maxThreads === undefined ? [] : [[Limit.processes, maxThreads] as [number, number]]),
  ];
  for (const [limit, most] of limits)
    must(`limit ${limit}`, setrlimit(limit, new BigUint64Array([BigInt(most), BigInt(most)])));
  // Nobody of the same user reads this memory or attaches to it.
  must("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  must("PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  // Behind the full wall the launcher has seen to it. A program that ended before this left a pipe that has ended, too.
  if (kind === "basic") must("PR_SET_PDEATHSIG", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));

  const arch = process.arch as FilterArch;
  const seccomp = syscallNumber("seccomp", arch);
  if (seccomp === undefined) throw new Error(`there is no filter for ${arch}`);
  koffi.struct("sock_fprog", { length: "uint16", filter: "const void *" });
  const installFilter = libc.func("long syscall(long, unsigned long, unsigned long, const sock_fprog *)");
  const filter =
    kind === "serving"
      ? compileFilter(servingRules(process.pid), arch)
      : compileFilter(basicRules(process.pid), arch, "allow");
  const program = { length: filter.byteLength / 8, filter };
  must("seccomp", installFilter(seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, program));
  // The filter is in force when something that was possible is so no longer.
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) !== -1) throw new Error("the filter is not in force");
  return (code) => void end(code);
}

/**
 * Closes what the embedding program left open for its children. Node's own descriptors are closed on exec, have the
 * lowest free numbers, and are none of files, folders and sockets but for standard error and the pipe.
 */
function closeInherited(
  fcntl: (...args: unknown[]) => number,
  closeRange: (...args: unknown[]) => number,
  maxOpenFiles: number,
): void {
  for (let descriptor = PIPE_DESCRIPTOR + 1; descriptor < maxOpenFiles; descriptor += 1) {
    const flags = fcntl(descriptor, F_GETFD);
    if (flags === -1) continue; // Not open.
    const about = fstatSync(descriptor);
    const isForeign = about.isFile() || about.isDirectory() || about.isBlockDevice() || about.isSocket();
    if (isForeign || (flags & FD_CLOEXEC) === 0) closeSync(descriptor);
  }
  if (closeRange(maxOpenFiles, 0xffff_ffff, 0) === 0) return;
  // Before Linux 5.9.
  for (let descriptor = maxOpenFiles; descriptor < OLD_KERNEL_DESCRIPTORS; descriptor += 1)
    if (fcntl(descriptor, F_GETFD) !== -1) closeSync(descriptor);
}
