import { scheduleSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";
import type { Row, Statement } from "@berth/store";

/** When, and which action. */
export type ScheduleDefinition = ReturnType<typeof scheduleSchema.parse>;

/** Where a schedule belongs: one plugin, one partition, declared by the manifest or set by the plugin. */
export interface ScheduleKey {
  readonly pluginId: string;
  readonly partition: string | undefined;
  readonly name: string;
  readonly isDeclared: boolean;
}

export interface Schedule extends ScheduleKey {
  readonly definition: ScheduleDefinition;
  readonly nextAt: Date;
}

/** Schedules that a plugin may set in one partition, and in all of them. */
const MAX_IN_PARTITION = 16;
const MAX_OF_PLUGIN = 256;
/** Stands for a moment that does not come. */
const NEVER = "9999-12-31T23:59:59.999Z";
const USER = "user:";
const WHERE_KEY = "plugin_id = ? AND is_declared = ? AND area = ? AND name = ?";

export const areaOf = (partition: string | undefined): string => (partition === undefined ? "" : USER + partition);

const paramsOf = ({ pluginId, isDeclared, partition, name }: ScheduleKey): [string, number, string, string] => [
  pluginId,
  Number(isDeclared),
  areaOf(partition),
  name,
];

export function scheduleOf(row: Row): Schedule {
  const area = String(row["area"]);
  return {
    pluginId: String(row["plugin_id"]),
    partition: area === "" ? undefined : area.slice(USER.length),
    name: String(row["name"]),
    isDeclared: row["is_declared"] === 1,
    definition: scheduleSchema.parse(JSON.parse(String(row["definition"]))),
    nextAt: new Date(String(row["next_at"])),
  };
}

/** Equal definitions have equal text. */
export const formatDefinition = ({ cron, timeZone, action, missed }: ScheduleDefinition): string =>
  JSON.stringify({ cron, timeZone, action, missed });

/** What is stored beside a schedule for its runs. */
export interface ScheduleRun {
  /** JSON text. */
  readonly input: string;
  readonly callerRights: readonly Permission[] | undefined;
}

/** Sets a schedule anew. Changes nothing when that is one too many of a plugin's own. */
export function setStatement(schedule: Schedule, { input, callerRights }: ScheduleRun): Statement {
  return {
    sql: `INSERT INTO schedules (plugin_id, is_declared, area, name, definition, input, caller_rights, next_at)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?2 = 1
            OR EXISTS (SELECT 1 FROM schedules WHERE plugin_id = ?1 AND is_declared = 0 AND area = ?3 AND name = ?4)
            OR ((SELECT count(*) FROM schedules WHERE plugin_id = ?1 AND is_declared = 0 AND area = ?3) < ?9
              AND (SELECT count(*) FROM schedules WHERE plugin_id = ?1 AND is_declared = 0) < ?10)
          ON CONFLICT DO UPDATE SET definition = ?5, input = ?6, caller_rights = ?7, next_at = ?8`,
    params: [
      ...paramsOf(schedule),
      formatDefinition(schedule.definition),
      input,
      callerRights === undefined ? null : JSON.stringify(callerRights),
      schedule.nextAt.toISOString(),
      MAX_IN_PARTITION,
      MAX_OF_PLUGIN,
    ],
    expectChanges: 1,
  };
}

export function removeStatement(key: ScheduleKey): Statement {
  return { sql: `DELETE FROM schedules WHERE ${WHERE_KEY}`, params: paramsOf(key) };
}

/** Moves a schedule on to its next moment, unless somebody else did; answers with what its run needs. */
export function moveStatement(schedule: Schedule, nextAt: Date | undefined): Statement {
  return {
    sql: `UPDATE schedules SET next_at = ? WHERE ${WHERE_KEY} AND next_at = ? RETURNING input, caller_rights`,
    params: [nextAt?.toISOString() ?? NEVER, ...paramsOf(schedule), schedule.nextAt.toISOString()],
  };
}
