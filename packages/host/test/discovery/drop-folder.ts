import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { DiscoveredPlugin, Host, HostOptions } from "@berth/host";

/** A folder into which anybody may have put something, and hosts beside it. */
export interface Drop {
  /** Real path. */
  readonly folder: string;
  readonly dataDir: string;
  /** Writes a file below the folder, and the folders on the way. */
  put(path: string, content: Uint8Array | string): Promise<string>;
  /** Opens a host that looks in the folder; the one before it is to be closed. */
  open(options?: Partial<HostOptions<string>>): Promise<Host<string>>;
}

export async function withDrop(work: (drop: Drop) => Promise<void>): Promise<void> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "berth-drop-")));
  const folder = join(root, "drop");
  const dataDir = join(root, "state");
  await mkdir(folder);
  const hosts: Host<string>[] = [];
  try {
    await work({
      folder,
      dataDir,
      async put(path, content) {
        const file = join(folder, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
        return file;
      },
      async open(options = {}) {
        const host = await openHost<string>({ dataDir, engines: [isolate()], pluginFolders: [folder], ...options });
        hosts.push(host);
        return host;
      },
    });
  } finally {
    for (const host of hosts) await host.close();
    await rm(root, { recursive: true });
  }
}

/** An author's manifest; any member may be another. */
export const draftManifest = (more: object = {}): string =>
  JSON.stringify({
    id: "me.draft",
    version: "0.1.0",
    displayName: "Draft",
    description: "A plugin that is being written.",
    license: "MIT",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "src/plugin.ts" },
    capabilities: ["data_processing"],
    contributes: { actions: { say: { input: true, output: true } } },
    ...more,
  });

/** What was found, by the name of its file or folder. */
export const byName = (found: readonly DiscoveredPlugin[]): Map<string, DiscoveredPlugin> =>
  new Map(found.map((each) => [each.path.slice(each.path.lastIndexOf("/") + 1), each]));
