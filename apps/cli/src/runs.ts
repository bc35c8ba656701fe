import { stat } from "node:fs/promises";
import { join } from "node:path";

import { isCodedError } from "@berth/base";
import type { PermissionSuggestion } from "@berth/host";

import type { Invocation } from "./command.ts";
import type { HostAccess } from "./host-access.ts";
import { withHost } from "./with-host.ts";

/** What the journal knows of a plugin's real runs. */
export interface Runs {
  /** Where its journal lies. */
  readonly dataDir: string;
  readonly id: string;
  /** The release that runs now. */
  readonly version: string;
  readonly suggestion: PermissionSuggestion;
}

/** Where `berth dev` keeps its state, apart from what is installed. */
export const developmentDataDir = (dataDir: string): string => join(dataDir, "development");

/** Runs of the first of these data directories that has a journal and knows the plugin. */
export async function findRuns(
  invocation: Invocation,
  id: string,
  dataDirs: readonly string[],
): Promise<Runs | undefined> {
  for (const dataDir of dataDirs) {
    const runs = await tryReadRuns(invocation, id, dataDir);
    if (runs !== undefined) return runs;
  }
  return undefined;
}

/** `undefined` where no host was ever opened, or none that knows the plugin. */
export async function tryReadRuns(invocation: Invocation, id: string, dataDir: string): Promise<Runs | undefined> {
  const hasJournal = await stat(join(dataDir, "host.sqlite")).then(
    (about) => about.isFile(),
    () => false, // No host was ever opened here.
  );
  if (!hasJournal) return undefined;
  try {
    return await withHost({ ...invocation, dataDir }, (host) => readRuns(host, id, dataDir));
  } catch (error) {
    if (isCodedError(error) && error.code === "HOST_PLUGIN_UNKNOWN") return undefined;
    throw error;
  }
}

/** @throws HostError HOST_PLUGIN_UNKNOWN */
export async function readRuns(host: HostAccess, id: string, dataDir: string): Promise<Runs> {
  const suggestion = await host.suggestPermissions(id);
  const version = (await host.list()).find((plugin) => plugin.id === id)?.version ?? "";
  return { dataDir, id, version, suggestion };
}
