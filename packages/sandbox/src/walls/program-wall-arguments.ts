// The arguments of bubblewrap for a program of the machine that is not trusted.

/** A place of the machine as it is shown inside. */
export type Shown =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  /** A file of /proc that tells of more than the namespace: nothing stands in its place. */
  | { readonly kind: "hidden"; readonly path: string }
  /** What not every machine has. */
  | { readonly kind: "folder-if-there"; readonly path: string };

/** Descriptors of bubblewrap beside the standard ones. What it reads, it closes; none reaches the program. */
export const Descriptor = { arguments: 3, status: 4, filter: 5, folder: 6 } as const;

/**
 * What bubblewrap is told by its list of arguments. It reads the filter last, when everything else is set up, and waits
 * for it. An end of that pipe without a filter is no filter, which the kernel takes from nobody: the program does not
 * begin. That stands before the arguments that are read, because an end may cut those short.
 */
export const OPENING = ["--seccomp", String(Descriptor.filter), "--args", String(Descriptor.arguments), "--"] as const;

/** What the user inside is called, whoever it is outside: nobody. */
const INNER_USER = "65534";
const TEMPORARY_BYTES = 67_108_864;
/** Not zero: a shared mapping of it is memory that no process seems to hold. */
const DEVICES = ["null", "full", "random", "urandom"];

const ISOLATION = [
  ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
  ["--uid", INNER_USER, "--gid", INNER_USER, "--hostname", "sandbox", "--cap-drop", "ALL"],
  // The program is the first process of its namespace: with it everything that it started is gone, and a process of
  // bubblewrap's own, which no filter holds, is not there to be taken over.
  ["--die-with-parent", "--new-session", "--as-pid-1"],
].flat();

/** What is opened to one run. */
export interface ProgramView {
  readonly shown: readonly Shown[];
  /** Its path inside; the folder itself is an open descriptor, so that nobody can put another one into its place. */
  readonly folder: { readonly path: string; readonly isWritable: boolean };
  readonly environment: Readonly<Record<string, string>>;
}

/** Options of bubblewrap as `--args` reads them, so that no list of processes shows the environment. */
export function formatProgramArguments({ shown, folder, environment }: ProgramView): string {
  const args = [
    ISOLATION,
    shown.flatMap((each) => {
      switch (each.kind) {
        case "folder":
          return ["--ro-bind", each.path, each.path];
        case "folder-if-there":
          return ["--ro-bind-try", each.path, each.path];
        case "link":
          return ["--symlink", each.target, each.path];
        case "hidden":
          return [];
      }
    }),
    DEVICES.flatMap((name) => ["--dev-bind", `/dev/${name}`, `/dev/${name}`]),
    ["--symlink", "/proc/self/fd", "/dev/fd"],
    ["stdin", "stdout", "stderr"].flatMap((name, fd) => ["--symlink", `/proc/self/fd/${fd}`, `/dev/${name}`]),
    ["--symlink", "/tmp", "/dev/shm"],
    ["--proc", "/proc"],
    shown.flatMap(({ kind, path }) => (kind === "hidden" ? ["--ro-bind", "/dev/null", path] : [])),
    ["--perms", "0700", "--size", String(TEMPORARY_BYTES), "--tmpfs", "/tmp"],
    [folder.isWritable ? "--bind-fd" : "--ro-bind-fd", String(Descriptor.folder), folder.path],
    ["--remount-ro", "/", "--chdir", folder.path],
    Object.entries(environment).flatMap(([name, value]) => ["--setenv", name, value]),
    ["--json-status-fd", String(Descriptor.status)],
  ].flat();
  return args.map((each) => `${each}\0`).join("");
}
