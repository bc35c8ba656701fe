// Everything that this app needs of Berth: open a host, ask about its plugins once, call them, close.
import { join } from "node:path";

import { buildPluginFolder } from "@berth/cli/build-plugin";
import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host, Plan } from "@berth/host";

/** The plugins of this app, as folders beside it. */
const FOLDERS = ["markdown-document", "glossary-translator"].map((name) => join(import.meta.dirname, "../..", name));

/** Opens the host. `agree` is asked about each plugin that nobody has agreed to in exactly this form. */
export async function openPlugins(dataDir: string, agree: (plan: Plan) => Promise<boolean>): Promise<Host<string>> {
  const host = await openHost<string>({
    dataDir,
    engines: [isolate()],
    // Each reader of the list has a partition: what a plugin keeps for one is never seen by another.
    partitionOf: (reader) => reader,
    developmentFolders: FOLDERS.map((path) => ({ path, build: buildPluginFolder })),
    onLog: ({ pluginId, level, text }) => console.error(`[${pluginId}] ${level}: ${text}`),
  });
  for (const { path, state } of host.developments.list()) {
    if (state === "consented") continue;
    const plan = await host.developments.plan(path);
    if (!(await agree(plan))) continue;
    const grant = plan.permissions.filter(({ isOptional }) => !isOptional).map(({ permission }) => permission);
    await host.install(plan, { grant, unsigned: plan.contentDigest });
  }
  return host;
}

/** What a person should read before agreeing. */
export function describePlan({ manifest, permissions, level, reducedBy }: Plan): string {
  return [
    `${manifest.displayName} (${manifest.id} ${manifest.version}), unsigned, runs at ${level}`,
    `  ${manifest.description}`,
    ...permissions.map(({ text, reason }) => `  asks: ${text} (${reason})`),
    ...reducedBy.map((what) => `  reduced: ${what}`),
  ].join("\n");
}
