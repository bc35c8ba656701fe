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

/** Wall time of a whole stream, milliseconds, when its action says nothing, and the most that it may say. */
export const DEFAULT_STREAM_MS = 300_000;
export const MAX_STREAM_MS = 3_600_000;

const memoryMiB = z.int().min(8).max(1_024).optional();
const cpuMs = z.int().min(10).max(60_000).optional();
const wallMs = z.int().min(10).max(300_000).optional();

/** The `limits` member of an action: what its calls have less of than the plugin's. */
export const actionLimitsSchema = z
  .strictObject({
    memoryMiB: memoryMiB.describe("Memory of the compartment that runs the action's calls, and only these, MiB."),
    cpuMs: cpuMs.describe("CPU time of one call, or of a whole stream, milliseconds."),
    wallMs: wallMs.describe("Wall time of one call, or of each item of a stream, milliseconds."),
    streamMs: z
      .int()
      .min(10)
      .max(MAX_STREAM_MS)
      .optional()
      .describe("Wall time of a whole stream, however slowly it is taken, milliseconds."),
  })
  .describe("Where the action needs less than the plugin's limits.");

/** The `limits` member of a manifest. */
export const limitsSchema = z
  .strictObject({
    memoryMiB: memoryMiB.describe("Memory of the compartment, MiB."),
    cpuMs: cpuMs.describe("CPU time of one call, milliseconds."),
    wallMs: wallMs.describe("Wall time of one call, milliseconds."),
  })
  .describe("What the plugin needs beyond the defaults, within the ceiling of its security level.");
