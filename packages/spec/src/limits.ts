import { z } from "zod";

import type { SecurityLevel } from "./security-level.ts";

/** Budgets of one call (times) and of one compartment (memory). */
export interface Limits {
  /** Memory of the compartment, MiB. */
  readonly memoryMiB: number;
  /** CPU time of one call, milliseconds. */
  readonly cpuMs: number;
  /** Wall time of one call, milliseconds, waiting included. */
  readonly wallMs: number;
}

/** What a plugin gets that asks for nothing. */
export const DEFAULT_LIMITS: Limits = { memoryMiB: 64, cpuMs: 5_000, wallMs: 30_000 };

/** The most that a level gives; a manifest that asks for more is refused at install. */
export const LIMIT_CEILINGS: Readonly<Record<SecurityLevel, Limits>> = {
  minimal: { memoryMiB: 1_024, cpuMs: 60_000, wallMs: 300_000 },
  standard: { memoryMiB: 512, cpuMs: 60_000, wallMs: 300_000 },
  strict: { memoryMiB: 256, cpuMs: 60_000, wallMs: 300_000 },
  isolated: { memoryMiB: 1_024, cpuMs: 60_000, wallMs: 300_000 },
};

/** The `limits` member of a manifest. */
export const limitsSchema = z
  .strictObject({
    memoryMiB: z.int().min(8).max(1_024).optional().describe("Memory of the compartment, MiB."),
    cpuMs: z.int().min(10).max(60_000).optional().describe("CPU time of one call, milliseconds."),
    wallMs: z.int().min(10).max(300_000).optional().describe("Wall time of one call, milliseconds."),
  })
  .describe("What the plugin needs beyond the defaults, within the ceiling of its security level.");
