import { isolate } from "@berth/engine-isolate";

import { Supervisor } from "../src/node-supervisor.ts";
import type { SupervisorOptions } from "../src/node-supervisor.ts";
import { openPlugin } from "../conformance/open-plugin.ts";
import type { OpenPlugin } from "../conformance/open-plugin.ts";

export const CODE = `var count = 0; var berthPlugin = { actions: {
  echo: (value) => value,
  count: () => (count += 1),
  never: () => new Promise(() => {}),
  loop() { for (;;); },
  spin(ms) { const until = Date.now() + ms; while (Date.now() < until); return ms; },
  crash: () => "y".repeat(500000000).split("").length,
  async ask(value, ctx) { return (await ctx.storage.get("k")) ?? null; },
} };`;

/** Nothing here ends by its wall time unless a test says so: machines are busy. */
export const LIMITS = { memoryMiB: 32, cpuMs: 1_000, wallMs: 60_000 };

export interface SharedPlugins {
  readonly supervisor: Supervisor;
  /** A plugin that may share its process with every other of these. */
  open(plugin: string, limits?: Partial<typeof LIMITS>): OpenPlugin;
}

export async function withShared(
  options: SupervisorOptions,
  run: (plugins: SharedPlugins) => Promise<void>,
): Promise<void> {
  const supervisor = new Supervisor(options);
  const open = (plugin: string, limits: Partial<typeof LIMITS> = {}): OpenPlugin =>
    openPlugin(isolate(), CODE, { plugin, supervisor, limits: { ...LIMITS, ...limits } });
  try {
    await run({ supervisor, open });
  } finally {
    supervisor.close();
  }
}

export const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

/** Waits until a condition holds, for as long as a busy machine may need. */
export async function until(holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !holds();) {
    if (performance.now() > deadline) throw new Error(`never came: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
