import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

import { groupPlaces } from "./cgroup-mounts.ts";
import type { GroupPlace } from "./cgroup-mounts.ts";
import { RESOURCES } from "./sandbox-host-arguments.ts";

const MEMORY_FILES = {
  1: { limit: "memory.limit_in_bytes", events: "memory.oom_control", swap: "memory.swappiness" },
  2: { limit: "memory.max", events: "memory.events", swap: "memory.swap.max" },
} as const;

const REMOVE_TRIES = 50;
const REMOVE_WAIT_MS = 20;

let next = 1;

/** Never makes a file: where the kernel made none, this is no control group. */
const EXISTING = { flag: "r+" } as const;

/**
 * A control group (cgroups(7)) that holds one sandbox host. Its memory limit is the kernel's: it holds between two
 * looks of the watchdog.
 *
 * The kernel lets whoever makes, fills or removes a group wait until every processor has passed through it, often 10 to
 * 30 ms; so that is done off the event loop. A limit is a number to it, and set at once.
 */
export class ResourceGroup {
  readonly #place: GroupPlace;
  /** One folder in version 2, two in version 1. */
  readonly #folders: ReadonlySet<string>;
  readonly #memory: string;
  #allowedBytes = 0;

  private constructor(place: GroupPlace, name: string) {
    this.#place = place;
    this.#memory = join(place.memory, name);
    this.#folders = new Set([this.#memory, join(place.pids, name)]);
  }

  /** @throws Error when the place does not take groups */
  static async make(place: GroupPlace): Promise<ResourceGroup> {
    const name = `berth-${process.pid}-${next}`;
    next += 1;
    const group = new ResourceGroup(place, name);
    const made: string[] = [];
    try {
      for (const folder of group.#folders) {
        await mkdir(folder);
        made.push(folder);
      }
      await writeFile(join(place.pids, name, "pids.max"), String(RESOURCES.maxThreads), EXISTING);
      // What is swapped out counts for nothing in the limit: a group could fill the machine's swap.
      const swap = join(group.#memory, MEMORY_FILES[place.version].swap);
      if (existsSync(swap)) await writeFile(swap, "0", EXISTING); // Absent from kernels without swap.
      return group;
    } catch (error) {
      for (const folder of made) await rmdir(folder);
      throw error;
    }
  }

  /** Takes a process in. What it holds already stays charged to the group that it came from. */
  async add(pid: number): Promise<void> {
    for (const folder of this.#folders) await writeFile(join(folder, "cgroup.procs"), String(pid), EXISTING);
  }

  /** Raises the limit. It is never lowered: the kernel would search for memory to free while this process waits. */
  allowMemory(bytes: number): void {
    if (bytes <= this.#allowedBytes) return;
    this.#allowedBytes = bytes;
    writeFileSync(join(this.#memory, MEMORY_FILES[this.#place.version].limit), String(bytes), EXISTING);
  }

  /** Whether the kernel ended a process of the group for its memory. */
  hasRunOut(): boolean {
    try {
      const events = readFileSync(join(this.#memory, MEMORY_FILES[this.#place.version].events), "latin1");
      return /^oom_kill [1-9]/m.test(events);
    } catch {
      return false; // Somebody else removed the group: nothing is known of its end.
    }
  }

  /** Removes the group once its processes are gone. */
  async remove(): Promise<void> {
    for (const folder of this.#folders) {
      for (let tries = 0; tries < REMOVE_TRIES; tries += 1) {
        try {
          await rmdir(folder);
          break;
        } catch {
          await wait(REMOVE_WAIT_MS); // The kernel has not yet taken note of the last one's end.
        }
      }
    }
  }
}

/** A place where groups can be made, limited and left, tried by making one; `undefined` when there is none. */
export async function findGroupPlace(): Promise<GroupPlace | undefined> {
  const read = (path: string): Promise<string> => readFile(path, "latin1").catch(() => ""); // Not Linux.
  for (const place of groupPlaces(await read("/proc/self/cgroup"), await read("/proc/self/mountinfo"))) {
    try {
      const group = await ResourceGroup.make(place);
      try {
        group.allowMemory(1 << 30);
        group.hasRunOut();
        await sweep(place);
        return place;
      } finally {
        await group.remove();
      }
    } catch {
      // Not ours to make groups in, or without these controllers: the next place.
    }
  }
  return undefined;
}

/** Removes empty groups of programs that ended before they could. The kernel refuses to remove one with processes. */
async function sweep({ memory, pids }: GroupPlace): Promise<void> {
  for (const folder of new Set([memory, pids])) {
    for (const name of await readdir(folder)) {
      const [, pid] = /^berth-(\d+)-\d+$/.exec(name) ?? [];
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      try {
        await rmdir(join(folder, name));
      } catch {
        // A program of another container is still using it.
      }
    }
  }
}
