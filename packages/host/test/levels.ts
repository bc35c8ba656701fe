import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";
import type { EngineDescriptor } from "@berth/sandbox";
import type { SecurityLevel } from "@berth/spec";

export const engineOf = (level: SecurityLevel): EngineDescriptor => (level === "strict" ? quickjs() : isolate());

/** Why a level cannot be had on this machine. */
export async function whyNot(level: SecurityLevel): Promise<string | undefined> {
  const supervisor = new Supervisor();
  try {
    await supervisor.wallFor(engineOf(level), level);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "no wall";
  } finally {
    supervisor.close();
  }
}
