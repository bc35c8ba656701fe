import { DataOffset, Verdict, and, assemble, end, load, unlessEqual, whenAtLeast, whenEqual } from "./bpf.ts";
import type { Instruction } from "./bpf.ts";
import { AUDIT_ARCH, X32_SYSCALL_BIT, syscallNumber } from "./syscalls.ts";
import type { FilterArch, SyscallName } from "./syscalls.ts";

const EPERM = 1;
const ENOSYS = 38;

/** What a filter does with one system call. Arguments are compared by their low word: the kernel takes these as 32 bits. */
export type Rule =
  | { readonly kind: "allow" }
  | { readonly kind: "refuse" }
  /** "There is no such call": the C library and libuv then take an older way, which the filter can look at. */
  | { readonly kind: "absent" }
  | { readonly kind: "argument-among"; readonly argument: number; readonly values: readonly number[] }
  | { readonly kind: "argument-none-of"; readonly argument: number; readonly values: readonly number[] }
  | { readonly kind: "argument-bits"; readonly argument: number; readonly mask: number; readonly bits: number }
  | { readonly kind: "argument-null"; readonly argument: number }
  /** Refused when each argument has any of its bits: a mode counts only where the flags ask for a new file. */
  | { readonly kind: "bits-together"; readonly pairs: readonly [argument: number, mask: number][] };

export type Rules = Readonly<Partial<Record<SyscallName, Rule>>>;

/** What happens to calls that no rule names. */
export type Otherwise = "refuse" | "allow";

/**
 * A seccomp program for one processor, as bytes that the kernel and bubblewrap take. What is refused fails with EPERM.
 * A call made through another processor mode, or through x32, ends the process: only an attacker does that.
 */
export function compileFilter(
  rules: Rules,
  arch: FilterArch,
  otherwise: Otherwise = "refuse",
): Uint8Array<ArrayBuffer> {
  return assemble([
    load(DataOffset.arch),
    ...unlessEqual(AUDIT_ARCH[arch], [end(Verdict.killProcess)]),
    load(DataOffset.syscall),
    ...(arch === "x64" ? whenAtLeast(X32_SYSCALL_BIT, [end(Verdict.killProcess)]) : []),
    ...(Object.entries(rules) as [SyscallName, Rule][]).flatMap(([name, rule]) => {
      const number = syscallNumber(name, arch);
      // Every body ends with a verdict, so what follows still has the call's number loaded.
      return number === undefined ? [] : whenEqual(number, bodyOf(rule));
    }),
    end(otherwise === "allow" ? Verdict.allow : Verdict.failWith(EPERM)),
  ]);
}

function bodyOf(rule: Rule): Instruction[] {
  const allow = end(Verdict.allow);
  const refuse = end(Verdict.failWith(EPERM));
  switch (rule.kind) {
    case "allow":
      return [allow];
    case "refuse":
      return [refuse];
    case "absent":
      return [end(Verdict.failWith(ENOSYS))];
    case "argument-among":
      return [
        load(DataOffset.argumentLow(rule.argument)),
        ...rule.values.flatMap((value) => whenEqual(value, [allow])),
        refuse,
      ];
    case "argument-none-of":
      return [
        load(DataOffset.argumentLow(rule.argument)),
        ...rule.values.flatMap((value) => whenEqual(value, [refuse])),
        allow,
      ];
    case "argument-bits":
      return [load(DataOffset.argumentLow(rule.argument)), and(rule.mask), ...whenEqual(rule.bits, [allow]), refuse];
    case "bits-together":
      return [
        ...rule.pairs.flatMap(([argument, mask]) => [
          load(DataOffset.argumentLow(argument)),
          and(mask),
          ...whenEqual(0, [allow]),
        ]),
        refuse,
      ];
    case "argument-null":
      // A pointer: both of its words count.
      return [
        load(DataOffset.argumentLow(rule.argument)),
        ...unlessEqual(0, [refuse]),
        load(DataOffset.argumentHigh(rule.argument)),
        ...unlessEqual(0, [refuse]),
        allow,
      ];
  }
}
