import { quote } from "@berth/base";
import { HostError } from "@berth/host";
import type { InstalledNode } from "@berth/host";

import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { withHost } from "../with-host.ts";

const MAX_PATHS = 20;

export const command: Command = {
  summary: "tell why a plugin is installed",
  usage: "ID",
  async run(invocation) {
    const id = onlyArgument(invocation.args, "a plugin's id");
    const nodes = await withHost(invocation, (host) => host.graph());
    const node = nodes.find((each) => each.id === id);
    if (node === undefined) throw new HostError("HOST_PLUGIN_UNKNOWN", `no plugin ${quote(id)} is installed`);
    const paths = pathsTo(id, nodes);
    const ranges = new Map(nodes.flatMap((each) => each.needs.map((need) => [`${each.id} ${need.id}`, need] as const)));
    const lines = paths.map((path) =>
      path
        .map((each, index) => {
          const need = ranges.get(`${path[index - 1]} ${each}`);
          return need === undefined ? each : `${each} ${need.range}${need.isOptional ? " (optional)" : ""}`;
        })
        .join(" → "),
    );
    if (node.askedRange !== undefined) lines.unshift(`you asked for ${id} ${node.askedRange}`);
    if (lines.length === 0) lines.push(`nobody needs ${id} (berth uninstall --unneeded)`);
    return {
      json: { ok: true, id, version: node.version, askedRange: node.askedRange ?? null, paths },
      text: [`${id} ${node.version}`, ...lines.map((line) => `  ${line}`)].join("\n"),
    };
  },
};

/** Shortest ways from what was asked for, one for each plugin that needs `id` directly or through others. */
function pathsTo(id: string, nodes: readonly InstalledNode[]): string[][] {
  const neededBy = new Map<string, string[]>();
  for (const node of nodes) {
    for (const need of node.needs) neededBy.set(need.id, [...(neededBy.get(need.id) ?? []), node.id]);
  }
  const isAsked = new Set(nodes.filter(({ askedRange }) => askedRange !== undefined).map((node) => node.id));
  const paths: string[][] = [];
  const seen = new Set([id]);
  let open: string[][] = [[id]];
  while (open.length > 0 && paths.length < MAX_PATHS) {
    const next: string[][] = [];
    for (const path of open) {
      for (const above of neededBy.get(path[0] as string) ?? []) {
        if (seen.has(above)) continue;
        seen.add(above);
        const longer = [above, ...path];
        if (isAsked.has(above)) paths.push(longer);
        next.push(longer);
      }
    }
    open = next;
  }
  return paths;
}
