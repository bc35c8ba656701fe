import { readFileSync, readdirSync } from "node:fs";

const O_CLOEXEC = 0o2_000_000;
const STANDARD = 2;

/**
 * Descriptors of this process, beside the standard ones, that a child would get: what the embedding program was started
 * with, or what an addon opened. Linux only.
 */
export function inheritedDescriptors(): number[] {
  return readdirSync("/proc/self/fdinfo")
    .map(Number)
    .filter((descriptor) => {
      if (descriptor <= STANDARD) return false;
      try {
        const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1")) ?? [];
        return (Number.parseInt(flags ?? "0", 8) & O_CLOEXEC) === 0;
      } catch {
        return false; // It was closed meanwhile, such as the one by which the list was read.
      }
    });
}
