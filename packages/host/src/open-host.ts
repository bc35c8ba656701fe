import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { isCodedError, quote } from "@berth/base";
import { Store, StoreError } from "@berth/store";

import { HostError } from "./errors.ts";
import { Host } from "./host.ts";
import type { HostOptions } from "./host-options.ts";
import { assembleParts } from "./host-parts.ts";
import { PackageFolder } from "./install/node-package-folder.ts";
import { readStoredPlugins } from "./lifecycle/stored-plugin.ts";
import { migrations } from "./migrations.ts";
import { ownerFileOf, prepareDataDir, systemCodeOf, writeOwner } from "./node-data-dir.ts";

/**
 * Opens a host on a data directory.
 *
 * @throws HostError HOST_BUSY when another process owns the directory, HOST_DATA_DIR_UNUSABLE, HOST_DATA_DIR_OPEN;
 *   StoreError
 */
export async function openHost<Caller = undefined>(options: HostOptions<Caller>): Promise<Host<Caller>> {
  const { dataDir } = options;
  const store = await openStore(options);
  try {
    await writeOwner(dataDir);
    const packages = new PackageFolder(join(dataDir, "packages"));
    const plugins = await readStoredPlugins(store);
    const grants = await store.all("SELECT * FROM grants ORDER BY plugin_id, permission");
    const subscriptions = await store.all("SELECT * FROM event_subscriptions");
    await packages.prepare(new Set(plugins.map(({ facts }) => facts.fileDigest)));
    const parts = assembleParts(options, store, packages, { plugins, grants, subscriptions });
    await parts.developments.begin();
    await parts.activation.preload();
    return new Host(options, parts);
  } catch (error) {
    await store.close();
    throw isCodedError(error) ? error : unusable(dataDir, error);
  }
}

async function openStore({ dataDir, busyMs }: Pick<HostOptions<never>, "dataDir" | "busyMs">): Promise<Store> {
  try {
    await prepareDataDir(dataDir);
    return await Store.open({
      file: join(dataDir, "host.sqlite"),
      migrations,
      ...(busyMs !== undefined && { busyMs }),
    });
  } catch (error) {
    if (error instanceof StoreError && error.code === "STORE_BUSY") {
      const pid = await readOwner(ownerFileOf(dataDir));
      throw new HostError("HOST_BUSY", `the data directory ${quote(dataDir, 200)} is owned by process ${quote(pid)}`, {
        cause: error,
        details: { pid: Number(pid) || null },
      });
    }
    // At the start SQLite fails because of the file, not because of a statement.
    if (isCodedError(error) && error.code !== "STORE_FAILED") throw error;
    throw unusable(dataDir, error);
  }
}

function unusable(dataDir: string, cause: unknown): HostError {
  return new HostError(
    "HOST_DATA_DIR_UNUSABLE",
    `the data directory ${quote(dataDir, 200)} cannot be used (${systemCodeOf(cause)})`,
    { cause },
  );
}

/** Who owns the directory, for the message; the lock itself is the database's. */
async function readOwner(ownerFile: string): Promise<string> {
  try {
    return (await readFile(ownerFile, "utf8")).trim();
  } catch {
    return "unknown"; // The owner has just begun, or wrote no file: being busy is the news, not who.
  }
}
