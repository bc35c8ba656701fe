import type { Manifest } from "@berth/spec";
import { Cron } from "croner";

import { HostError } from "../errors.ts";

/** When a schedule runs. */
export interface CronTimes {
  readonly cron: string;
  readonly timeZone: string;
}

const parse = ({ cron, timeZone }: CronTimes): Cron =>
  new Cron(cron, { timezone: timeZone, mode: "5-part", paused: true });

/** The first moment after `after`; `undefined` when there is none, or the expression or the time zone is none. */
export function nextTime(times: CronTimes, after: Date): Date | undefined {
  try {
    return parse(times).nextRun(after) ?? undefined;
  } catch {
    return undefined; // Not an expression: the callers refuse it.
  }
}

/** The oldest of the last so many moments up to `until`. */
export function oldestOfLast(times: CronTimes, count: number, until: Date): Date | undefined {
  // Moments before a time are asked for, and the time itself counts.
  return parse(times)
    .previousRuns(count, new Date(until.getTime() + 1))
    .at(-1);
}

/** @throws HostError HOST_SCHEDULE_INVALID */
export function verifySchedules({ id, contributes }: Manifest, now: Date): void {
  for (const [name, schedule] of Object.entries(contributes.schedules)) {
    if (nextTime(schedule, now) === undefined)
      throw new HostError(
        "HOST_SCHEDULE_INVALID",
        `the schedule ${name} of ${id} never runs: "${schedule.cron}" in ${schedule.timeZone}`,
      );
  }
}
