import { randomInt, randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { usersInUse } from "./node-process-users.ts";
import { makeRootFolder } from "./node-root-folder.ts";

/** User and group ids that are given to sandbox hosts. */
export interface UserIdRange {
  readonly first: number;
  readonly count: number;
}

/**
 * 0x71000000 and the 65,535 after it: beyond the ids of people, services and containers, in the part that
 * systemd's list (UIDS-GIDS) calls unused.
 */
export const DEFAULT_USER_IDS: UserIdRange = { first: 0x7100_0000, count: 0x1_0000 };

/** Ids that one embedding program takes for itself: so many sandbox hosts can it have at a time. */
const BLOCK = 1_024;
const MAX_TRIES = 200;

/** Hands out user ids that no other process has. */
export class UserIdPool {
  readonly #first: number;
  readonly #count: number;
  readonly #taken = new Set<number>();
  #next = 0;

  constructor({ first, count }: UserIdRange) {
    this.#first = first;
    this.#count = count;
  }

  /** @throws RangeError when all are in use */
  take(): number {
    for (let tries = 0; tries < this.#count; tries += 1) {
      const id = this.#first + this.#next;
      this.#next = (this.#next + 1) % this.#count;
      if (this.#taken.has(id)) continue;
      this.#taken.add(id);
      return id;
    }
    throw new RangeError(`all ${this.#count} user ids of this program are in use`);
  }

  giveBack(id: number): void {
    this.#taken.delete(id);
  }
}

/**
 * Takes a block of the range for this process: no process has a user id of it, and no other embedding program can
 * take it while this process lives. The claim is a file in `folder`, which only root can write to.
 *
 * @throws Error when the range is not usable here, or every block is in use
 */
export async function claimUserIds(range: UserIdRange, folder: string): Promise<UserIdPool> {
  const blocks = Math.floor(range.count / BLOCK);
  if (blocks < 1 || range.first < 1) throw new Error(`a range of user ids has ${BLOCK} or more, and none is root's`);
  await refuseUnmapped(range);
  await makeRootFolder(folder);
  const used = await usersInUse();
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const first = range.first + randomInt(blocks) * BLOCK;
    if ([...used].some((id) => id >= first && id < first + BLOCK)) continue;
    if (await claim(join(folder, String(first)))) return new UserIdPool({ first, count: BLOCK });
  }
  throw new Error(`no block of ${BLOCK} unused user ids was found from ${range.first} on`);
}

/** In a user namespace, as in a rootless container, root can only become users that are mapped. */
async function refuseUnmapped({ first, count }: UserIdRange): Promise<void> {
  const map = await readFile("/proc/self/uid_map", "latin1");
  const isMapped = map.split("\n").some((line) => {
    const [inside = Number.NaN, , length = 0] = line.trim().split(/\s+/).map(Number);
    return inside <= first && first + count <= inside + length;
  });
  if (!isMapped) throw new Error(`the user ids ${first} to ${first + count - 1} do not exist in this container`);
}

/** A file of its own that says who has the block. */
async function claim(path: string): Promise<boolean> {
  const owner = await readFile(path, "latin1").catch(() => undefined);
  if (owner === undefined) return writeNew(path);
  if (await isAlive(owner)) return false;
  // The owner is gone, and so are its sandbox hosts. One program at a time takes over, and only what it has seen.
  const takeover = `${path}.takeover`;
  if (!(await writeNew(takeover))) return false;
  try {
    if ((await readFile(path, "latin1")) !== owner) return false;
    await rm(path);
    return await writeNew(path);
  } finally {
    await rm(takeover);
  }
}

async function isAlive(owner: string): Promise<boolean> {
  const [pid = "", startTime] = owner.split(" ");
  return startTime !== undefined && (await startTimeOf(Number(pid))) === startTime;
}

/** Makes a file with this process's name, or answers false when there is one. */
async function writeNew(path: string): Promise<boolean> {
  // It appears with its contents: a claim that is empty for a moment would be taken for one of nobody.
  const whole = `${path}.${randomUUID()}`;
  await writeFile(whole, `${process.pid} ${await startTimeOf(process.pid)}`, { flag: "wx", mode: 0o644 });
  try {
    await link(whole, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(whole);
  }
}

/** When a process began, in ticks since boot: a process id is used again, the two together are not. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
