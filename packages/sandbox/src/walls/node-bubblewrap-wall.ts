import { basename, dirname } from "node:path";

import { linkedLibraries } from "./node-linked-libraries.ts";
import type { UserIdPool } from "./node-user-id-pool.ts";
import { RESOURCES, formatArguments } from "./sandbox-host-arguments.ts";
import { compileFilter } from "./seccomp/filter.ts";
import { STARTING_RULES } from "./seccomp/policy.ts";
import type { FilterArch } from "./seccomp/syscalls.ts";
import type { Launch, SpawnDescription, Wall } from "./wall.ts";

/** Where everything of ours lies inside. */
const INSIDE = "/runtime";
const NODE_INSIDE = `${INSIDE}/node`;
/** What the user inside is called, whoever it is outside: nobody. */
const INNER_USER = "65534";

/** Folders that the linker looks through without its cache (ld.so(8)), also the ones by architecture of Debian. */
const LINKER_FOLDER = /^(?:\/usr)?\/lib(?:32|64)?(?:\/[a-z0-9_]+-linux-[a-z0-9]+)?$/;
const LINKER_CACHE = "/etc/ld.so.cache";

const ISOLATION = [
  ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
  ["--uid", INNER_USER, "--gid", INNER_USER, "--hostname", "sandbox", "--cap-drop", "ALL"],
  // Without a process of bubblewrap's own inside, there is nobody there to attack and one process less to pay for.
  ["--die-with-parent", "--new-session", "--as-pid-1"],
].flat();

const INFO_DESCRIPTOR = "4";
const FILTER_DESCRIPTOR = "5";

export interface BubblewrapSetup {
  readonly bubblewrap: string;
  readonly launch: Launch;
  readonly interpreter: string;
  /** Present when the embedding program runs as root. */
  readonly pool: UserIdPool | undefined;
  /** Whether limits on threads count the sandbox host's own threads only. */
  readonly countsOwnThreads: boolean;
}

/** Namespaces of every kind, a root folder with nothing but Node and its files, and both filters. Untried. */
export async function makeBubblewrapWall({
  bubblewrap,
  launch,
  interpreter,
  pool,
  countsOwnThreads,
}: BubblewrapSetup): Promise<Wall> {
  const { executable, nodeFlags, entry, files } = launch;
  const addons = files.filter(({ name }) => name.endsWith(".node")).map(({ source }) => source);
  const libraries = await linkedLibraries(interpreter, [executable, ...addons]);
  const cache = libraries.every((path) => LINKER_FOLDER.test(dirname(path))) ? [] : [LINKER_CACHE];
  const script = `${INSIDE}/${basename(entry)}`;
  const binds: [from: string, to: string][] = [
    ...[...libraries, ...cache].map((path): [string, string] => [path, path]),
    [executable, NODE_INSIDE],
    [entry, script],
    ...files.map(({ name, source }): [string, string] => [source, `${INSIDE}/${name}`]),
  ];
  const { maxOpenFiles, maxThreads } = RESOURCES;
  const said = formatArguments({
    files: Object.fromEntries(files.map(({ name }) => [name, `${INSIDE}/${name}`])),
    confinement: { maxOpenFiles, ...(countsOwnThreads && { maxThreads }), filter: "serving" },
  });
  const args = [
    ISOLATION,
    binds.flatMap(([from, to]) => ["--ro-bind", from, to]),
    // libuv keeps a file open, in its absence the root folder.
    ["--dev-bind", "/dev/null", "/dev/null"],
    // There is no /proc, /sys and /tmp inside: Node lives without, and what is not there needs no lock.
    ["--remount-ro", "/", "--chdir", "/"],
    ["--info-fd", INFO_DESCRIPTOR, "--seccomp", FILTER_DESCRIPTOR, "--"],
    [NODE_INSIDE, ...nodeFlags, script, said],
  ].flat();
  const filter = compileFilter(STARTING_RULES, process.arch as FilterArch);
  const description = {
    command: bubblewrap,
    args,
    launcherPipes: [{ kind: "process-id" }, { kind: "input", bytes: filter }],
  } as const;
  return {
    name: "bubblewrap",
    strength: "full",
    describe(): SpawnDescription {
      const userId = pool?.take();
      if (pool === undefined || userId === undefined) return { ...description, release: () => undefined };
      return { ...description, userId, release: () => pool.giveBack(userId) };
    },
  };
}
