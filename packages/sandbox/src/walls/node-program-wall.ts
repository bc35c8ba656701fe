import { lstat, open, readlink, realpath } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

import { sanitize } from "@berth/base";

import type { ProgramOutcome, ProgramRun } from "../node-program.ts";
import { Starter } from "../node-starter.ts";
import type { GroupPlace } from "./cgroup-mounts.ts";
import { explainBubblewrapFailure } from "./machine-facts.ts";
import { countsWithinNamespaces, findBubblewrap, findProgram } from "./node-launchers.ts";
import { readMachineFacts } from "./node-machine-facts.ts";
import type { WallOptions } from "./node-machine-walls.ts";
import { findGroupPlace } from "./node-resource-group.ts";
import { DEFAULT_RUNTIME_FOLDER } from "./node-staged-runtime.ts";
import { DEFAULT_USER_IDS, claimUserIds } from "./node-user-id-pool.ts";
import type { UserIdPool } from "./node-user-id-pool.ts";
import type { Shown } from "./program-wall-arguments.ts";
import { compileFilter } from "./seccomp/filter.ts";
import { PROGRAM_RULES } from "./seccomp/policy.ts";
import type { FilterArch } from "./seccomp/syscalls.ts";
import type { Missing } from "./wall.ts";

/** What an operator may set for programs that plugins run. */
export interface ProgramWallOptions extends WallOptions {
  /** Folders beside those of the system that hold programs and what they read; absolute. Default none. */
  readonly programFolders?: readonly string[];
}

/** What this machine offers for programs that plugins run. Tried by running one in it. */
export type ProgramWallOffer =
  | { readonly kind: "offered"; readonly wall: ProgramWall }
  | { readonly kind: "missing"; readonly missing: Missing };

/** A wall that was found to hold programs of this machine. */
export interface ProgramWall {
  /** Folders that every program finds inside, to read only: those of the system and the operator's. */
  readonly folders: readonly string[];
  /** Whether programs run as a user who owns nothing, because the embedding program is root's. */
  readonly hasOwnUser: boolean;
  /** Runs one program; see `ProgramRun`. Never rejects. Resolves when nothing that it started is left. */
  run(run: ProgramRun): Promise<ProgramOutcome>;
}

/** What one program and everything that it starts may take, whoever granted what. */
export const PROGRAM_RESOURCES = {
  memoryBytes: 512 * 1_048_576,
  maxProcesses: 64,
  maxOpenFiles: 256,
  maxFileBytes: 1_073_741_824,
} as const;

/** Programs, and the libraries and data that they need: nothing that belongs to a person or a service. */
const SYSTEM_FOLDER = "/usr";
/** Links into /usr where the system is merged, folders where it is not (file-hierarchy(7)). */
const SYSTEM_PLACES = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** Keys of the user, and what runs on the machine. */
const TELLING = ["/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats"];
const IF_THERE = ["/etc/ld.so.cache", "/etc/alternatives"];

const PROBE_MS = 10_000;

/**
 * Runs the programs of all walls. Sandbox hosts have starters of their own: they do not wait for what programs write,
 * and have the descriptors of theirs for themselves.
 */
const starter = new Starter();

/** Walls are tried once for each choice of options; a machine does not change under a running program. */
const known = new Map<string, Promise<ProgramWallOffer>>();

/** Tries what the machine offers; remembers the answer for as long as the program runs. */
export function programWall(options: ProgramWallOptions = {}): Promise<ProgramWallOffer> {
  const settled = { searchPath: process.env["PATH"] ?? "", ...options };
  const key = JSON.stringify(settled);
  let offer = known.get(key);
  if (offer === undefined) known.set(key, (offer = tryProgramWall(settled)));
  return offer;
}

async function tryProgramWall(options: ProgramWallOptions & { searchPath: string }): Promise<ProgramWallOffer> {
  const { searchPath, programFolders = [] } = options;
  const facts = await readMachineFacts();
  const lacking = (missing: Missing): ProgramWallOffer => ({ kind: "missing", missing });
  const bubblewrap = await findBubblewrap(facts, searchPath);
  if (typeof bubblewrap !== "string") return lacking(bubblewrap);
  const limiter = await findProgram("prlimit", searchPath);
  if (limiter === undefined)
    return lacking({
      what: "prlimit",
      why: "there is no prlimit of util-linux on the search path",
      remedy: "apt install util-linux (Alpine: apk add util-linux-misc).",
    });
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !countsWithinNamespaces(facts))
    return lacking({
      what: "a limit on processes",
      why: `Linux ${facts.kernel.join(".")} counts all processes of the user together`,
      remedy: "Use Linux 5.14 or later.",
    });
  try {
    const folders = await realFolders([SYSTEM_FOLDER, ...programFolders]);
    const shown = [...(await systemPlaces()), ...folders.map((path): Shown => ({ kind: "folder", path }))];
    const pool = isRoot ? await claimPool(options) : undefined;
    const groupPlace = await findGroupPlace();
    const wall = makeProgramWall({ bubblewrap, limiter: await realpath(limiter), shown, pool, groupPlace });
    const failure = await tryOut(wall, await realpath(limiter));
    return failure === undefined ? { kind: "offered", wall } : lacking(explainFailure(facts, failure));
  } catch (error) {
    const why = sanitize(error instanceof Error ? error.message : String(error), 400);
    return lacking({ what: "a wall for programs", why, remedy: "See docs/guide/walls.md." });
  }
}

function explainFailure(facts: Parameters<typeof explainBubblewrapFailure>[0], words: string): Missing {
  if (/unknown option --(?:ro-)?bind-fd/i.test(words))
    return {
      what: "bubblewrap with --bind-fd",
      why: words,
      remedy: "Install bubblewrap 0.10 or later, or 0.8 with Debian's security update.",
    };
  return explainBubblewrapFailure(facts, words);
}

const claimPool = ({
  runtimeFolder = DEFAULT_RUNTIME_FOLDER,
  userIds = DEFAULT_USER_IDS,
}: ProgramWallOptions): Promise<UserIdPool> => claimUserIds(userIds, join(runtimeFolder, "user-ids"));

const OTHERS_MAY_WRITE = 0o022;

/**
 * @throws Error for a folder that is not there, is reached through a link, or could be exchanged by others than root and
 *   the host's own user
 */
async function realFolders(folders: readonly string[]): Promise<string[]> {
  for (const folder of folders) {
    if ((await realpath(folder)) !== folder) throw new Error(`the folder ${folder} is reached through a link`);
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
    for (let above = folder; ; above = dirname(above)) {
      const { uid, mode } = await lstat(above);
      if ((uid !== 0 && uid !== process.getuid?.()) || (mode & OTHERS_MAY_WRITE) !== 0)
        throw new Error(`the folder ${folder} could be exchanged: others own ${above} or may write to it`);
      if (above === "/") break;
    }
  }
  return [...folders];
}

async function systemPlaces(): Promise<Shown[]> {
  const places: Shown[] = IF_THERE.map((path) => ({ kind: "folder-if-there", path }));
  for (const path of SYSTEM_PLACES) {
    const found = await lstat(path).catch(() => undefined); // Not every system has every one.
    if (found?.isSymbolicLink() === true) places.push({ kind: "link", path, target: await readlink(path) });
    else if (found?.isDirectory() === true) places.push({ kind: "folder", path });
  }
  for (const path of TELLING)
    if ((await lstat(path).catch(() => undefined)) !== undefined) places.push({ kind: "hidden", path });
  return places;
}

interface ProgramWallSetup {
  readonly bubblewrap: string;
  readonly limiter: string;
  readonly shown: readonly Shown[];
  readonly pool: UserIdPool | undefined;
  readonly groupPlace: GroupPlace | undefined;
}

function makeProgramWall({ bubblewrap, limiter, shown, pool, groupPlace }: ProgramWallSetup): ProgramWall {
  const filter = compileFilter(PROGRAM_RULES, process.arch as FilterArch, "allow");
  const { memoryBytes, maxProcesses, maxOpenFiles, maxFileBytes } = PROGRAM_RESOURCES;
  const limitsFor = (timeMs: number): string[] =>
    Object.entries({
      // Not none: to a program that takes cores, as most distributions have one, that would be as good as any number;
      // one byte is what the kernel gives none at all for (core(5), do_coredump).
      core: 1,
      memlock: 0,
      msgqueue: 0,
      // Processor time of one process: so much wall time as it has, on every core.
      cpu: Math.ceil((timeMs / 1_000) * availableParallelism()) + 1,
      nproc: maxProcesses,
      nofile: maxOpenFiles,
      fsize: maxFileBytes,
      // Between two looks of the watch, where the kernel holds no group: what one process may map for itself.
      data: memoryBytes * 2,
    }).map(([name, most]) => `--${name}=${most}:${most}`);
  return {
    folders: shown.flatMap((each) => (each.kind === "folder" || each.kind === "link" ? [each.path] : [])),
    hasOwnUser: pool !== undefined,
    async run(run) {
      const userId = pool?.take();
      try {
        return await starter.run(run, {
          bubblewrap,
          shown,
          filter,
          limiter: [limiter, ...limitsFor(run.timeMs), "--"],
          memoryBytes,
          groupPlace,
          userId,
        });
      } finally {
        if (userId !== undefined) pool?.giveBack(userId);
      }
    },
  };
}

/** Runs the program that sets limits on itself. Answers with what went wrong. */
async function tryOut(wall: ProgramWall, limiter: string): Promise<string | undefined> {
  await using folder = await open(SYSTEM_FOLDER);
  const outcome = await wall.run({
    program: limiter,
    args: ["--version"],
    environment: {},
    folder: { descriptor: folder.fd, path: SYSTEM_FOLDER, isWritable: false },
    input: new Uint8Array(),
    timeMs: PROBE_MS,
    maxOutputBytes: 65_536,
    signal: new AbortController().signal,
  });
  if (outcome.kind === "failed") return outcome.why;
  if (outcome.kind === "ended") return `a program inside was ended: ${outcome.by}`;
  return outcome.exitCode === 0 ? undefined : `a program inside ended with code ${outcome.exitCode}`;
}
