import { quote } from "@berth/base";
import type { Store } from "@berth/store";

import { HostError } from "../errors.ts";
import { amountOf } from "../rights/decide-right.ts";
import type { Right } from "../rights/decide-right.ts";
import { LISTED, TOUCHED, fileLens, isBelow } from "../rights/file-use.ts";
import type { FilePermission } from "../rights/file-use.ts";
import { fitsGlob, makeGlobBudget } from "../rights/glob.ts";
import type { Rights } from "../rights/rights.ts";
import { RootedFolder, verifyPath } from "./node-rooted-folder.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceRequest } from "./service.ts";

const MAX_ENTRIES = 1_000;
const MAX_WRITE_BYTES = 16 * 1_048_576;
/** Whatever was granted: what is read stands in the embedding program's memory, once for each request. */
const MAX_READ_BYTES = 16 * 1_048_576;
/** What a file or folder costs at least: empty ones fill a disk's tables too. */
const MIN_WRITE_BYTES = 64;

/** What the files service works on. All of it belongs to the host. */
export interface FileParts {
  readonly rights: Rights;
  readonly store: Store;
  /** Folders and files that no grant opens: the host's own. */
  readonly forbidden: readonly string[];
}

/** `ctx.files`: files below the folders that the plugin has a right to. */
export function makeFilesService({ rights, store, forbidden }: FileParts): Service {
  /** The right to a path, and the folder of the grant that it lies in. */
  async function verifyRight(
    call: ServiceCall,
    method: string,
    request: ServiceRequest,
    wanted: (root: string) => FilePermission,
    isFolder = false,
  ): Promise<{ right: Right; path: string; folder: RootedFolder; components: readonly string[] }> {
    if (process.platform !== "linux")
      throw new HostError("BROKER_FILES_UNSUPPORTED", `${method}: files are reached safely on Linux only, so far`);
    const components = verifyPath(method, request["path"]);
    const path = `/${components.join("/")}`;
    const right = await rights.verify(call, wanted(path), fileLens(path, isFolder, makeGlobBudget(), fitsGlob));
    const grant = right.grant as FilePermission;
    const root = grant.roots.find((each) => isBelow(path, each)) ?? path;
    const depth = root === "/" ? 0 : root.split("/").length - 1;
    return { right, path, folder: new RootedFolder(root, forbidden), components: components.slice(depth) };
  }

  const reading = (root: string): FilePermission => ({
    name: "file_system_read",
    roots: [root],
    globs: TOUCHED,
    maxBytes: 1,
  });
  const listing = (folder: string): FilePermission => ({ ...reading(folder), globs: LISTED });
  const writing =
    (more: { create?: boolean; delete?: boolean } = {}) =>
    (root: string): FilePermission => ({
      name: "file_system_write",
      roots: [root],
      globs: TOUCHED,
      quotaBytes: 1,
      create: more.create ?? false,
      delete: more.delete ?? false,
    });

  return {
    name: "files",
    methods: methodTable(
      {
        async read(call, request) {
          const { right, folder, components } = await verifyRight(call, "files.read", request, reading);
          return { bytes: await folder.read(components, Math.min(amountOf(right, "maxBytes"), MAX_READ_BYTES)) };
        },
        async list(call, request) {
          const { right, path, folder, components } = await verifyRight(call, "files.list", request, listing, true);
          const entries = await folder.list(components, MAX_ENTRIES);
          // A plugin sees the names of files that it may read, and of folders on the way.
          const budget = makeGlobBudget();
          const visible = entries.filter(({ name, kind }) => {
            const lens = fileLens(path === "/" ? `/${name}` : `${path}/${name}`, kind === "folder", budget, fitsGlob);
            return right.bases.every((base) => lens(base) !== undefined);
          });
          return { entries: visible };
        },
      },
      {
        async write(call, request) {
          const { create = false } = request;
          const bytes = bytesOf(request);
          const verified = await verifyRight(call, "files.write", request, writing({ create: create === true }));
          await spendQuota(store, call.pluginId, "files.write", bytes.length, verified.right);
          await verified.folder.write(verified.components, bytes, create === true);
          return null;
        },
        async makeFolder(call, request) {
          const method = "files.makeFolder";
          const { right, folder, components } = await verifyRight(call, method, request, writing({ create: true }));
          await spendQuota(store, call.pluginId, method, 0, right);
          await folder.makeFolder(components);
          return null;
        },
        async delete(call, request) {
          const { folder, components } = await verifyRight(call, "files.delete", request, writing({ delete: true }));
          await folder.delete(components);
          return null;
        },
      },
    ),
  };
}

function bytesOf(request: ServiceRequest): Uint8Array {
  const { content } = request;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  if (!(bytes instanceof Uint8Array))
    throw requestInvalid("files.write", `expected text or bytes, found ${quote(content)}`);
  if (bytes.length > MAX_WRITE_BYTES)
    throw requestInvalid("files.write", `expected at most ${MAX_WRITE_BYTES} bytes, found ${bytes.length}`);
  return bytes;
}

/** Counts before writing, in one statement: two writes at once cannot both take the rest. */
async function spendQuota(store: Store, pluginId: string, method: string, length: number, right: Right): Promise<void> {
  const bytes = Math.max(length, MIN_WRITE_BYTES);
  const limit = amountOf(right, "quotaBytes");
  const [result] = await store.transaction([
    {
      sql: `INSERT INTO file_use SELECT ?1, ?2 WHERE coalesce((SELECT bytes FROM file_use WHERE plugin_id = ?1), 0) + ?2 <= ?3
          AND EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
        ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes`,
      params: [pluginId, bytes, limit],
    },
  ]);
  if (result?.changes !== 1) {
    throw new HostError(
      "BROKER_QUOTA_EXCEEDED",
      `${method}: ${bytes} bytes do not fit into the quota of ${limit} bytes written in all`,
    );
  }
}
