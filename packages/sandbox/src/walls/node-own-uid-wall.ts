import { endProcessesOf } from "./node-process-users.ts";
import { describeProcess } from "./node-process-wall.ts";
import { RESOURCES } from "./sandbox-host-arguments.ts";
import type { UserIdPool } from "./node-user-id-pool.ts";
import type { Launch, Wall } from "./wall.ts";

/** For an embedding program that runs as root: a process of a user that owns nothing else, from the staged runtime. */
export function makeOwnUidWall(staged: Launch, pool: UserIdPool): Wall {
  return {
    name: "own-uid",
    strength: "own-uid",
    describe() {
      const userId = pool.take();
      return { ...describeProcess(staged, RESOURCES), userId, release: () => void retire(pool, userId) };
    },
  };
}

/** A user that cannot be cleared of processes is never given to another sandbox host. */
async function retire(pool: UserIdPool, userId: number): Promise<void> {
  if (await endProcessesOf(userId)) pool.giveBack(userId);
}
