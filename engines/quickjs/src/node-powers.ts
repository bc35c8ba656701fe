import { randomFillSync } from "node:crypto";

import type { Powers } from "./powers.ts";

/** The real clock, randomness and timers, and the library's parts as they were read. */
export function nodePowers(partScripts: ReadonlyMap<string, string>): Powers {
  const words = new Uint32Array(256);
  let next = words.length;
  return {
    nowMs: () => Date.now(),
    partScript: (part) => partScripts.get(part) ?? "",
    randomWord() {
      if (next === words.length) {
        randomFillSync(words);
        next = 0;
      }
      const word = words[next] ?? 0;
      // A word is used once and does not stay behind.
      words[next] = 0;
      next += 1;
      return word;
    },
    setTimer(run, delayMs) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    whenIdle: (run) => void setImmediate(run),
    // Present with --expose-gc, which the engine's descriptor asks for.
    collectGarbage: () => (globalThis as { gc?: () => void }).gc?.(),
    clocks: {
      wallMs: () => performance.now(),
      cpuMs() {
        const { user, system } = process.threadCpuUsage();
        return (user + system) / 1_000;
      },
    },
  };
}
