import { realpath } from "node:fs/promises";
import { join } from "node:path";

import { sanitize } from "@berth/base";
import type { SecurityLevel } from "@berth/spec";

import type { EngineDescriptor } from "../engine.ts";
import { SandboxError, engineMissing } from "../errors.ts";
import type { GroupPlace } from "./cgroup-mounts.ts";
import { explainBubblewrapFailure } from "./machine-facts.ts";
import { makeBubblewrapWall } from "./node-bubblewrap-wall.ts";
import { foreignFunctionsFile } from "./node-foreign-functions.ts";
import { countsWithinNamespaces, findBubblewrap } from "./node-launchers.ts";
import { interpreterOf } from "./node-linked-libraries.ts";
import { readMachineFacts } from "./node-machine-facts.ts";
import { makeOwnUidWall } from "./node-own-uid-wall.ts";
import { tryWall } from "./node-probe.ts";
import { findGroupPlace } from "./node-resource-group.ts";
import { makeProcessWall } from "./node-process-wall.ts";
import { DEFAULT_RUNTIME_FOLDER, stageRuntime } from "./node-staged-runtime.ts";
import { DEFAULT_USER_IDS, claimUserIds } from "./node-user-id-pool.ts";
import type { UserIdPool, UserIdRange } from "./node-user-id-pool.ts";
import type { Launch, Missing, Wall, WallOffer } from "./wall.ts";

/** What an operator may set. */
export interface WallOptions {
  /** Where a program that runs as root keeps the runtime of its sandbox hosts. Default /var/cache/berth/runtime. */
  readonly runtimeFolder?: string;
  /** User ids for sandbox hosts of a program that runs as root. Default 65,536 from 1,895,825,408 on. */
  readonly userIds?: UserIdRange;
  /** Folders to look for bubblewrap in, joined as in PATH. Default: PATH. */
  readonly searchPath?: string;
}

/** What this machine offers for one engine. Every offer was tried by starting a sandbox host in it. */
export interface MachineWalls {
  /** A process, with a user of its own when started by root. Missing only for root: nothing foreign runs as root. */
  readonly basic: WallOffer;
  readonly full: WallOffer;
  /** Where every sandbox host gets a control group of its own, around any wall; `undefined` when nowhere. */
  readonly groupPlace: GroupPlace | undefined;
}

/** A wall for a level, and what the level's description promises beyond it. */
export interface ChosenWall {
  readonly wall: Wall;
  readonly missing: readonly Missing[];
  readonly groupPlace: GroupPlace | undefined;
}

/** What a machine offers for one engine, each tried when somebody asks for it and then remembered. */
interface Trials {
  readonly basic: () => Promise<WallOffer>;
  readonly full: () => Promise<WallOffer>;
  readonly groupPlace: () => Promise<GroupPlace | undefined>;
  readonly all: () => Promise<MachineWalls>;
}

/** Walls are tried once for each engine and choice of options; a machine does not change under a running program. */
const known = new Map<string, Trials>();

function trialsOf(engine: EngineDescriptor, options: WallOptions): Trials {
  const { entry, files, nodeFlags } = engine;
  const settled = { searchPath: process.env["PATH"] ?? "", ...options };
  const key = JSON.stringify([entry, files, nodeFlags, settled]);
  let trials = known.get(key);
  if (trials === undefined) {
    trials = makeTrials(engine, settled);
    known.set(key, trials);
  }
  return trials;
}

/** Tries everything that the machine offers; remembers the answer for as long as the program runs. */
export function machineWalls(engine: EngineDescriptor, options: WallOptions = {}): Promise<MachineWalls> {
  return trialsOf(engine, options).all();
}

/**
 * The wall in which an engine's sandbox hosts run at a level. Only what the level can use is tried.
 *
 * @throws SandboxError SANDBOX_WALL_MISSING when the level requires what the machine does not have,
 *   SANDBOX_ENGINE_MISSING
 */
export async function chooseWall(
  engine: EngineDescriptor,
  level: SecurityLevel,
  options: WallOptions = {},
): Promise<ChosenWall> {
  if (engine.missing !== undefined) throw engineMissing(engine.name, engine.missing);
  const trials = trialsOf(engine, options);
  const groupPlace = await trials.groupPlace();
  const missing: Missing[] = [];
  if (level !== "minimal") {
    const full = await trials.full();
    if (full.kind === "offered") return { wall: full.wall, missing, groupPlace };
    if (level === "isolated") throw wallMissing(level, full.missing);
    missing.push(full.missing);
  }
  const basic = await trials.basic();
  if (basic.kind === "missing") throw wallMissing(level, basic.missing);
  return { wall: basic.wall, missing, groupPlace };
}

function wallMissing(level: SecurityLevel, { what, why, remedy }: Missing): SandboxError {
  return new SandboxError("SANDBOX_WALL_MISSING", `level ${level} needs ${what}: ${why}`, { hint: remedy });
}

function makeTrials(engine: EngineDescriptor, options: WallOptions & { searchPath: string }): Trials {
  const launch = once(async () => {
    const { entry, files, nodeFlags } = engine;
    return withForeignFunctions({ executable: await realpath(process.execPath), entry, files, nodeFlags });
  });
  const groupPlace = once(findGroupPlace);
  const { basic, full } =
    process.getuid?.() === 0
      ? rootsTrials(launch, options)
      : {
          basic: async () => offered(makeProcessWall(await launch())),
          full: async () => tryFull(await launch(), undefined, options),
        };
  const trials = { basic: once(basic), full: once(full), groupPlace };
  const all = once(async () => ({
    basic: await trials.basic(),
    full: await trials.full(),
    groupPlace: await groupPlace(),
  }));
  return { ...trials, all };
}

/** Nothing foreign runs as root: every wall gives a sandbox host a user of its own, and files that only root changes. */
function rootsTrials(
  launch: () => Promise<Launch>,
  options: WallOptions & { searchPath: string },
): Pick<Trials, "basic" | "full"> {
  const { runtimeFolder = DEFAULT_RUNTIME_FOLDER, userIds = DEFAULT_USER_IDS } = options;
  const prepare = once(async () => ({
    pool: await claimUserIds(userIds, join(runtimeFolder, "user-ids")),
    staged: await stageRuntime(await launch(), runtimeFolder),
  }));
  return {
    basic: async () => {
      try {
        const { pool, staged } = await prepare();
        const wall = makeOwnUidWall(staged, pool);
        const failure = await tryWall(wall);
        return failure === undefined ? offered(wall) : missingUser(new Error(failure));
      } catch (error) {
        return missingUser(error);
      }
    },
    full: async () => {
      try {
        const { pool, staged } = await prepare();
        return await tryFull(staged, pool, options);
      } catch (error) {
        return missingUser(error);
      }
    },
  };
}

/** Done when it is first asked for, and not again. */
function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => (result ??= work());
}

const offered = (wall: Wall): WallOffer => ({ kind: "offered", wall });

function missingUser(error: unknown): WallOffer {
  const why = sanitize(error instanceof Error ? error.message : String(error), 400);
  return {
    kind: "missing",
    missing: {
      what: "a user for sandbox hosts",
      why: `this program runs as root, nothing foreign may run as root, and ${why}`,
      remedy:
        "Start the program as an ordinary user, or set the folder and the user ids of sandbox hosts (docs/guide/walls.md).",
    },
  };
}

async function withForeignFunctions(launch: Launch): Promise<Launch> {
  if (process.platform !== "linux") return launch;
  // A Node without a dynamic linker cannot load addons, so it has no use for this one.
  const interpreter = await interpreterOf(launch.executable).catch(() => undefined);
  const file = interpreter === undefined ? undefined : foreignFunctionsFile(interpreter);
  return file === undefined ? launch : { ...launch, files: [...launch.files, file] };
}

/** `launch` is staged when there is a pool of user ids. */
async function tryFull(
  launch: Launch,
  pool: UserIdPool | undefined,
  { searchPath }: { readonly searchPath: string },
): Promise<WallOffer> {
  const facts = await readMachineFacts();
  const bubblewrap = await findBubblewrap(facts, searchPath);
  if (typeof bubblewrap !== "string") return { kind: "missing", missing: bubblewrap };
  try {
    const interpreter = await interpreterOf(launch.executable);
    const countsOwnThreads = pool !== undefined || countsWithinNamespaces(facts);
    const wall = await makeBubblewrapWall({ bubblewrap, launch, interpreter, pool, countsOwnThreads });
    const failure = await tryWall(wall);
    return failure === undefined
      ? offered(wall)
      : { kind: "missing", missing: explainBubblewrapFailure(facts, failure) };
  } catch (error) {
    const why = sanitize(error instanceof Error ? error.message : String(error), 400);
    const remedy = "Report this with the output of `berth doctor --json`.";
    return { kind: "missing", missing: { what: "namespaces", why, remedy } };
  }
}
