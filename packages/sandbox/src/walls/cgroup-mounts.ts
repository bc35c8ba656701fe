/** Where this process may look for a place for groups of its own, and how their files are called there. */
export interface GroupPlace {
  readonly version: 1 | 2;
  /** Folders in which a group needs one of its own: one in version 2, one for each controller in version 1. */
  readonly memory: string;
  readonly pids: string;
}

interface Mount {
  readonly root: string;
  readonly at: string;
  readonly type: string;
  readonly options: readonly string[];
}

/**
 * Places by /proc/self/cgroup and /proc/self/mountinfo (proc(5)), the likeliest first: below this process's own group
 * and, as version 2 forbids groups below one that has processes, beside it.
 */
export function groupPlaces(cgroup: string, mountinfo: string): GroupPlace[] {
  const mounts = mountinfo.split("\n").flatMap(parseMount);
  const own = cgroup.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(","), path }];
  });
  const folderOf = (controller: string): { at: string; inside: string } | undefined => {
    const path = own.find(({ controllers }) => controllers.includes(controller))?.path;
    const mount = mounts.find(({ type, options }) =>
      controller === "" ? type === "cgroup2" : type === "cgroup" && options.includes(controller),
    );
    if (path === undefined || mount === undefined) return undefined;
    const { root, at } = mount;
    // A container sees a part of the tree only.
    if (root !== "/" && path !== root && !path.startsWith(`${root}/`)) return undefined;
    return { at, inside: (root === "/" ? path : path.slice(root.length)).replace(/\/$/, "") };
  };
  const unified = folderOf("");
  const besides = unified === undefined || unified.inside === "" ? [] : [parentOf(unified.inside)];
  const [memory, pids] = [folderOf("memory"), folderOf("pids")];
  return [
    ...(unified === undefined ? [] : [unified.inside, ...besides]).map((inside): GroupPlace => {
      const folder = `${unified?.at}${inside}`;
      return { version: 2, memory: folder, pids: folder };
    }),
    ...(memory === undefined || pids === undefined
      ? []
      : [{ version: 1, memory: `${memory.at}${memory.inside}`, pids: `${pids.at}${pids.inside}` } as const]),
  ];
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

function parseMount(line: string): Mount[] {
  const [before = "", after] = line.split(" - ");
  if (after === undefined) return [];
  const [, , , root = "", at = ""] = before.split(" ");
  const [type = "", , options = ""] = after.split(" ");
  return [{ root, at, type, options: options.split(",") }];
}
