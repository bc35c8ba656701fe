import type { CompartmentPlan } from "./compartment-plan.ts";

const MIB = 1_048_576;
/** What a process may grow by beyond its plugins' own memory: values under way, compiled code. */
const PROCESS_SLACK_BYTES = 128 * MIB;
/**
 * What an engine may keep for one compartment besides, such as long strings that wait to be collected; only one
 * is at work at a time, so that a crowded process does not get it for each of them.
 */
const COMPARTMENT_SLACK_BYTES = 128 * MIB;
const MAX_SLACKS = 4;
/**
 * What a silent process may use beyond the CPU time of the call or load that may: the engine, which charges
 * exactly, speaks first, and its own threads (collector, compiler) count here as well.
 */
const SILENT_SHARE = 1.5;
const SILENT_SLACK_MS = 200;

/** What plugins may make a process grow by, bytes: the sum of their memory, and slack. */
export function allowedBytes(plans: Iterable<CompartmentPlan>): number {
  let count = 0;
  let bytes = PROCESS_SLACK_BYTES;
  for (const { limits } of plans) {
    count += 1;
    bytes += limits.memoryMiB * MIB;
  }
  return bytes + Math.min(count, MAX_SLACKS) * COMPARTMENT_SLACK_BYTES;
}

/** CPU time that a process may use without a word while those are at work who may use so much each, milliseconds. */
export function allowedSilentMs(cpuMsAtWork: readonly number[]): number {
  return SILENT_SHARE * Math.max(0, ...cpuMsAtWork) + SILENT_SLACK_MS;
}
