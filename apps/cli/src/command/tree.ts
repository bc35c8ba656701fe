import type { InstalledNode } from "@berth/host";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { withHost } from "../with-host.ts";

const MAX_LINES = 2_000;

export const command: Command = {
  summary: "show the installed plugins with what they need",
  usage: "",
  async run(invocation) {
    if (invocation.args.length > 0) throw new CliError("CLI_USAGE", "expected no arguments");
    const nodes = await withHost(invocation, (host) => host.graph());
    return {
      json: { ok: true, plugins: nodes },
      text: nodes.length === 0 ? "no plugin is installed" : drawTree(nodes),
    };
  },
};

/** A plugin that several need is written out once, and named where it comes up again. */
export function drawTree(nodes: readonly InstalledNode[]): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const shown = new Set<string>();
  const lines: string[] = [];
  const draw = (node: InstalledNode, label: string, indent: string): void => {
    if (lines.length >= MAX_LINES) return;
    const isRepeated = shown.has(node.id) && node.needs.length > 0;
    lines.push(`${label}${isRepeated ? " (see above)" : ""}`);
    if (isRepeated) return;
    shown.add(node.id);
    const needs = node.needs.filter((need) => byId.has(need.id));
    needs.forEach((need, index) => {
      const isLast = index === needs.length - 1;
      const marks = [...(need.isOptional ? ["optional"] : []), ...(need.isLazy ? ["later"] : [])];
      const suffix = marks.length === 0 ? "" : ` (${marks.join(", ")})`;
      const branch = `${indent}${isLast ? "└── " : "├── "}${need.id} ${need.version} for ${need.range}${suffix}`;
      draw(byId.get(need.id) as InstalledNode, branch, `${indent}${isLast ? "    " : "│   "}`);
    });
  };
  for (const node of nodes) if (node.askedRange !== undefined) draw(node, `${node.id} ${node.version}`, "");
  for (const node of nodes) if (node.isUnneeded) lines.push(`${node.id} ${node.version} (nobody needs it)`);
  if (lines.length >= MAX_LINES) lines.push("… and more; --json shows everything");
  return lines.join("\n");
}
