import type { Powers } from "./wasm-engine.ts";

/** The real clock and randomness. */
export function nodePowers(): Powers {
  return {
    random: () => Math.random(),
    cpuMs() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
    // Present with --expose-gc, which the engine's descriptors ask for.
    collectGarbage: () => (globalThis as { gc?: () => void }).gc?.(),
  };
}
