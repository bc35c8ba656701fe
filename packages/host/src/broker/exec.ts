import { readlink, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

import { quote } from "@berth/base";
import type { ProgramOutcome, ProgramWall, ProgramWallOffer } from "@berth/sandbox";
import { covers, permissionOf, statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { amountOf } from "../rights/decide-right.ts";
import type { Rights } from "../rights/rights.ts";
import { fillTemplate } from "./exec-template.ts";
import { RootedFolder, verifyPath } from "./node-rooted-folder.ts";
import { verifyProgram } from "./node-trusted-program.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceRequest } from "./service.ts";

type ExecPermission = Extract<Permission, { name: "system_exec" }>;

const METHOD = "exec.run";
const MAX_ARGUMENTS = 64;
const MAX_INPUT_BYTES = 8 * 1_048_576;
/** Of both streams together: they stand in the embedding program's memory, once for each run. */
const MAX_OUTPUT_BYTES = 8 * 1_048_576;
const MAX_RUNS = 16;
const MAX_RUNS_OF_PLUGIN = 4;
/** How often rights of runs are looked at that end by themselves, such as grants with an end. */
const RECONSIDER_MS = 500;
/** Places of the wall's own inside. */
const OWN_PLACES = ["/dev", "/proc", "/sys"];

/** What the exec service works on. All of it belongs to the host. */
export interface ExecParts {
  readonly rights: Rights;
  readonly plugins: PluginTable;
  /** Files and folders that no command sees: the host's own. */
  readonly kept: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly wallFor: () => Promise<ProgramWallOffer>;
}

/** A command under way, and the right that it goes on by. */
interface Run {
  readonly call: ServiceCall;
  readonly wanted: ExecPermission;
  readonly controller: AbortController;
}

/**
 * `ctx.exec`: programs of the machine, each by a template that somebody agreed to, behind a wall of its own. A run ends
 * with its call, with the right to it and with the plugin, and everything that it started ends with it.
 */
export function makeExecService({ rights, plugins, kept, environment, wallFor }: ExecParts): Service {
  const runs = new Set<Run>();
  const ends = new Set<Promise<unknown>>();
  let watch: NodeJS.Timeout | undefined;

  /** What is wanted, with the folder that the manifest names for the command where the plugin names none. */
  function wantedBy(call: ServiceCall, request: ServiceRequest): ExecPermission {
    const { command, workingDirectory, write = false, environment: names = [] } = request;
    if (!Array.isArray(command) || command.length > MAX_ARGUMENTS || !Array.isArray(names))
      throw requestInvalid(METHOD, "expected a command and names of variables, each a list of texts");
    const parse = (folder: unknown): ExecPermission => {
      const stated = { name: "system_exec", commands: [{ run: command }], workingDirectory: folder };
      const parsed = statedPermissionSchema.safeParse({ ...stated, write, environment: names, timeMs: 1 });
      if (parsed.success) return parsed.data as ExecPermission;
      const [issue] = parsed.error.issues;
      throw requestInvalid(METHOD, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is not a command"}`);
    };
    if (workingDirectory !== undefined) return parse(workingDirectory);
    const wanted = parse("/");
    const declared = (plugins.find(call.pluginId)?.release?.manifest.permissions ?? []).map(permissionOf);
    // The one that allows all of it, else the one that is meant: the denial then names what it lacks.
    const entries = declared.filter(
      (each): each is ExecPermission =>
        each.name === "system_exec" && covers(each, { ...each, commands: wanted.commands }),
    );
    const entry =
      entries.find((each) => covers(each, { ...wanted, workingDirectory: each.workingDirectory })) ?? entries[0];
    return entry === undefined ? wanted : { ...wanted, workingDirectory: entry.workingDirectory };
  }

  async function wallOrThrow(): Promise<ProgramWall> {
    const offer = await wallFor();
    if (offer.kind === "offered") return offer.wall;
    const { what, why, remedy } = offer.missing;
    throw new HostError("BROKER_EXEC_UNSUPPORTED", `${METHOD}: this machine has no ${what}: ${why}`, { hint: remedy });
  }

  /** Takes one of the places for runs, or refuses. */
  function begin(call: ServiceCall, wanted: ExecPermission): Run {
    const own = [...runs].filter((run) => run.call.pluginId === call.pluginId).length;
    if (own >= MAX_RUNS_OF_PLUGIN || runs.size >= MAX_RUNS)
      throw new HostError(
        "BROKER_QUOTA_EXCEEDED",
        `${METHOD}: ${own} commands of ${call.pluginId} are under way and ${runs.size} in all; at most ${MAX_RUNS_OF_PLUGIN} and ${MAX_RUNS} are run at a time`,
      );
    const run: Run = { call, wanted, controller: new AbortController() };
    runs.add(run);
    // Taken back after it was verified and before anybody could tell this run.
    if (rights.refusalOf(call, wanted) !== undefined) run.controller.abort();
    watch ??= setInterval(reconsider, RECONSIDER_MS).unref();
    return run;
  }

  function end(run: Run): void {
    runs.delete(run);
    if (runs.size > 0) return;
    clearInterval(watch);
    watch = undefined;
  }

  function reconsider(): void {
    for (const { call, wanted, controller } of runs)
      if (rights.refusalOf(call, wanted) !== undefined) controller.abort();
  }

  const service: Service = {
    name: "exec",
    methods: methodTable(
      {},
      {
        async run(call, request) {
          const wanted = wantedBy(call, request);
          const input = inputOf(request);
          const components = verifyPath(METHOD, wanted.workingDirectory);
          const right = await rights.verify(call, wanted);
          const [{ run: template } = { run: [] }] = wanted.commands;
          const { program, args } = fillTemplate(template, request["values"]);
          const run = begin(call, wanted);
          const signal = AbortSignal.any([call.signal(), run.controller.signal]);
          const underWay = (async () => {
            const wall = await wallOrThrow();
            await refuseKept(wall.folders, kept);
            await verifyProgram(program, wall);
            await using folder = await openFolder(wanted.workingDirectory, components);
            const path = await verifyFolder(folder, wanted, wall, kept);
            // Awaited here: the folder stays open until the run has ended.
            return await wall.run({
              program,
              args,
              environment: Object.fromEntries(
                wanted.environment.flatMap((name) => {
                  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
                  return value === undefined ? [] : [[name, value]];
                }),
              ),
              folder: { descriptor: folder.fd, path, isWritable: wanted.write },
              input,
              timeMs: Math.max(1, Math.floor(Math.min(amountOf(right, "timeMs"), call.deadlineAt - performance.now()))),
              maxOutputBytes: MAX_OUTPUT_BYTES,
              signal,
            });
          })();
          ends.add(underWay);
          try {
            return answerOf(await underWay, rights.refusalOf(call, wanted));
          } finally {
            ends.delete(underWay);
            end(run);
          }
        },
      },
    ),
    release(pluginId) {
      for (const { call, controller } of runs) if (call.pluginId === pluginId) controller.abort();
    },
    reconsider,
    async close() {
      for (const { controller } of runs) controller.abort();
      await Promise.allSettled(ends);
    },
  };
  return service;
}

const LIMITS = { time: "its time", output: `${MAX_OUTPUT_BYTES} bytes of output`, memory: "its memory" } as const;

function answerOf(outcome: ProgramOutcome, refusal: HostError | undefined): object {
  switch (outcome.kind) {
    case "exited": {
      const { exitCode, stdout, stderr } = outcome;
      return { exitCode, stdout, stderr };
    }
    case "failed":
      throw new HostError("BROKER_EXEC_FAILED", `${METHOD}: the command did not start: ${outcome.why}`);
    case "ended": {
      const { by } = outcome;
      if (by === "signal") throw refusal ?? new HostError("BROKER_EXEC_ENDED", `${METHOD}: ended with its call`);
      throw new HostError("BROKER_EXEC_ENDED", `${METHOD}: the command used up ${LIMITS[by]} and was ended`, {
        details: { limit: by },
      });
    }
  }
}

function inputOf({ input }: ServiceRequest): Uint8Array {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : (input ?? new Uint8Array());
  if (!(bytes instanceof Uint8Array)) throw requestInvalid(METHOD, `expected text or bytes, found ${quote(input)}`);
  if (bytes.length > MAX_INPUT_BYTES)
    throw requestInvalid(METHOD, `the input has ${bytes.length} bytes, at most ${MAX_INPUT_BYTES} are given`);
  return bytes;
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

const refused = (why: string): HostError => new HostError("BROKER_EXEC_REFUSED", `${METHOD}: ${why}`);

/** @throws HostError BROKER_EXEC_REFUSED for what is not there, or is reached through a link */
async function openFolder(path: string, components: readonly string[]): Promise<FileHandle> {
  try {
    return await new RootedFolder("/", []).open(components);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    throw refused(`there is no folder ${quote(path)}, or a link leads to it, or it is closed to the host`);
  }
}

/** The operator named a folder for programs in which the host keeps its own. */
async function refuseKept(folders: readonly string[], kept: readonly string[]): Promise<void> {
  for (const each of kept) {
    const path = await tryRealPath(each);
    if (path !== undefined && folders.some((folder) => isBelow(path, folder)))
      throw refused("a folder for programs holds what the host itself keeps");
  }
}

/**
 * The real path of an open folder that commands may run in.
 *
 * @throws HostError BROKER_EXEC_REFUSED
 */
async function verifyFolder(
  folder: FileHandle,
  { workingDirectory, write }: ExecPermission,
  { folders, hasOwnUser }: ProgramWall,
  kept: readonly string[],
): Promise<string> {
  const path = await readlink(`/proc/self/fd/${folder.fd}`);
  const name = quote(workingDirectory);
  // Renamed meanwhile: what was agreed to is a place.
  if (path !== workingDirectory) throw refused(`the folder ${name} is not where it was`);
  if (path === "/" || OWN_PLACES.some((each) => isBelow(path, each))) throw refused(`${name} is the system's`);
  for (const each of kept) {
    const real = await tryRealPath(each);
    if (real !== undefined && (isBelow(real, path) || isBelow(path, real)))
      throw refused(`${name} holds what the host itself keeps; keep the data directory elsewhere`);
  }
  if (write && folders.some((each) => isBelow(path, each) || isBelow(each, path)))
    throw refused(`${name} holds programs, which commands must not change`);
  const { mode } = await folder.stat();
  const needed = write ? 0o7 : 0o5;
  if (hasOwnUser && (mode & needed) !== needed)
    throw refused(
      `${name} is closed to the user that commands run as, because the host runs as root: open it to everybody (chmod o+${write ? "rwx" : "rx"})`,
    );
  return path;
}

const tryRealPath = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined); // Not there: nothing to hide.
