import { FOREIGN_FUNCTIONS_FILE } from "./node-foreign-functions.ts";
import { RESOURCES, formatArguments } from "./sandbox-host-arguments.ts";
import type { SandboxHostArguments } from "./sandbox-host-arguments.ts";
import type { Launch, SpawnDescription, Wall } from "./wall.ts";

/** A process of its own with an empty environment and, on Linux, limits: what every machine offers. */
export function makeProcessWall(launch: Launch): Wall {
  return {
    name: "process",
    strength: "process",
    describe: () => describeProcess(launch, { maxOpenFiles: RESOURCES.maxOpenFiles }),
  };
}

/** Node run directly, from the files where they lie. */
export function describeProcess(
  { executable, nodeFlags, entry, files }: Launch,
  resources: { readonly maxOpenFiles: number; readonly maxThreads?: number },
): SpawnDescription {
  const places = Object.fromEntries(files.map(({ name, source }) => [name, source]));
  const isConfined = FOREIGN_FUNCTIONS_FILE in places;
  const said: SandboxHostArguments = {
    files: places,
    ...(isConfined && { confinement: { ...resources, filter: "basic" } }),
  };
  return {
    command: executable,
    args: [...nodeFlags, entry, formatArguments(said)],
    launcherPipes: [],
    release: () => undefined,
  };
}
