import { randomFillSync } from "node:crypto";

import type { Powers } from "./wasm-engine.ts";

/** The real clock and randomness. */
export function nodePowers(): Powers {
  return {
    // Plugins share the process: whoever sees some numbers of Math.random's knows the others'.
    random() {
      const [high = 0, low = 0] = randomFillSync(new Uint32Array(2));
      return ((high >>> 5) * 67_108_864 + (low >>> 6)) / 2 ** 53;
    },
    cpuMs() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1_000;
    },
    // Present with --expose-gc, which the engine's descriptors ask for.
    collectGarbage: () => (globalThis as { gc?: () => void }).gc?.(),
  };
}
