import { join } from "node:path";

import { isCodedError } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";

import { ChangeQueue } from "../change-queue.ts";
import type { Developments } from "../development/developments.ts";
import { HostError } from "../errors.ts";
import { fitToHost } from "../install/fit-to-host.ts";
import type { KeyRing } from "../install/key-ring.ts";
import type { PackageOutline } from "../install/plan.ts";
import { verifyWithoutSecrets } from "../install/signer.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { policyFor } from "../policy.ts";
import type { Policy } from "../policy.ts";
import type {
  DiscoveredDevelopment,
  DiscoveredPackage,
  DiscoveredPlugin,
  Discovery,
  DiscoveryRequest,
  InstalledNamesake,
  SearchedFolder,
} from "./discovered-plugin.ts";
import type { ThreadReply, ThreadRequest } from "./messages.ts";
import { DiscoveryThread } from "./node-discovery-thread.ts";
import type { FolderContent } from "./node-plugin-folder.ts";
import { RefusalTexts, refusalOf } from "./refusal-texts.ts";

/** What one search may cost. Of each folder apart, so that none keeps another one from being looked in. */
export interface DiscoveryLimits {
  /** Names of a folder that are looked at. */
  readonly names: number;
  /** Packages, and as many development folders, that are listed of a folder. */
  readonly found: number;
  /** After which nothing more of a folder is opened, ms. */
  readonly folderMs: number;
  /** For one entry, ms. */
  readonly entryMs: number;
  /** What the refusals of a folder say in all, characters; see `RefusalTexts`. */
  readonly refusalChars: number;
}

const LIMITS: DiscoveryLimits = {
  names: 10_000,
  found: 1_000,
  folderMs: 30_000,
  entryMs: 20_000,
  refusalChars: 200_000,
};

/** What searches work with. All of it belongs to the host. */
export interface DiscoveryParts {
  /** Those looked in when a search names none. */
  readonly pluginFolders: readonly string[];
  readonly plugins: Pick<PluginTable, "find">;
  readonly keys: Pick<KeyRing, "list">;
  readonly policy: Policy;
  readonly engines: readonly EngineDescriptor[];
  readonly now: () => Date;
  readonly developments: Pick<Developments, "list">;
}

/** What one search has found so far, before it is known who else claims an id. */
type Found = Omit<DiscoveredPackage, "claimants"> | Omit<DiscoveredDevelopment, "claimants">;

/** What one search shares. */
interface Search {
  readonly thread: DiscoveryThread;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks for plugins in folders, where anybody may have put anything: reads, and judges what it read as a plan
 * would. Writes nothing and runs nothing; what is compiled, scanned, or asked of the machine or of a person waits for
 * the plan.
 */
export class Discoveries {
  readonly #parts: DiscoveryParts;
  readonly #limits: DiscoveryLimits;
  /** One search at a time: each may hold a package and a thread. */
  readonly #turns = new ChangeQueue();
  #thread: DiscoveryThread | undefined;
  #isClosed = false;

  constructor(parts: DiscoveryParts, limits = LIMITS) {
    this.#parts = parts;
    this.#limits = limits;
  }

  /** See `Host.discover`. */
  discover({ folders = this.#parts.pluginFolders, signal }: DiscoveryRequest = {}): Promise<Discovery> {
    return this.#turns.run(async () => {
      using thread = new DiscoveryThread(this.#limits.entryMs);
      this.#thread = thread;
      return await this.#search(folders, { thread, signal });
    });
  }

  /** Ends what is under way with HOST_CLOSED, and waits for it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#thread?.[Symbol.dispose]();
    await this.#turns.whenIdle();
  }

  async #search(named: readonly string[], search: Search): Promise<Discovery> {
    const folders = new Map<string, SearchedFolder>();
    const found: Found[] = [];
    for (const name of named) {
      const beganAt = performance.now();
      const { names: maxNames, found: maxFound } = this.#limits;
      const { content, error } = await this.#ask({ kind: "folder", path: name, maxNames, maxFound }, search);
      const path = content?.folder.path ?? name;
      if (folders.has(path)) continue;
      const { isWhole = false, links = 0 } = content ?? {};
      folders.set(path, { path, isWhole, links, ...(error !== undefined && { error }) });
      if (content !== undefined) found.push(...(await this.#lookInto(content, beganAt, search)));
    }
    return { folders: [...folders.values()], found: withClaimants(found) };
  }

  async #lookInto(content: FolderContent, beganAt: number, search: Search): Promise<Found[]> {
    const { folder, packages, developments, isDevelopment } = content;
    const requests: Exclude<ThreadRequest, { kind: "folder" }>[] = [
      ...(isDevelopment ? [{ kind: "development", folder, name: undefined } as const] : []),
      ...developments.map((name) => ({ kind: "development", folder, name }) as const),
      ...packages.map((name) => ({ kind: "package", folder, name }) as const),
    ];
    const found: Found[] = [];
    const texts = new RefusalTexts(this.#limits.refusalChars);
    for (const request of requests) {
      const isLate = performance.now() - beganAt >= this.#limits.folderMs;
      const reply = isLate ? late(this.#limits.folderMs) : await this.#ask(request, search);
      const path = request.name === undefined ? folder.path : join(folder.path, request.name);
      const each = request.kind === "package" ? await this.#packageOf(path, reply) : this.#developmentOf(path, reply);
      found.push(each.error === undefined ? each : { ...each, error: texts.shorten(each.error) });
    }
    return found;
  }

  /** What overstays is told like what is broken; only the end of the host or of the search ends it. */
  async #ask(request: ThreadRequest, { thread, signal }: Search): Promise<ThreadReply> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new HostError("HOST_CLOSED", "the host was closed before everything was looked at");
    try {
      return await thread.ask(request);
    } catch (error) {
      if (isCodedError(error) && error.code === "HOST_DISCOVERY_LIMIT") return { error: refusalOf(error) };
      throw error;
    }
  }

  async #packageOf(path: string, reply: ThreadReply): Promise<Omit<DiscoveredPackage, "claimants">> {
    const { sizeBytes, package: outline, error } = reply;
    const { id, version, displayName } = outline?.unverifiedManifest ?? {};
    const { contentDigest, fileDigest } = outline ?? {};
    const installed = this.#installed(id, (facts) => facts.contentDigest === contentDigest);
    return {
      kind: "package",
      path,
      id,
      version,
      displayName,
      sizeBytes,
      contentDigest,
      fileDigest,
      ...(installed !== undefined && { installed }),
      ...(error !== undefined && { error }),
      ...(outline !== undefined && (await this.#judge(outline))),
    };
  }

  /** Who vouches, and what a plan would refuse without running or compiling anything, or asking anybody. */
  async #judge(outline: PackageOutline): Promise<Pick<DiscoveredPackage, "signer" | "error">> {
    const { plugins, keys, engines, now } = this.#parts;
    const { trustOnFirstUse, repository } = this.#parts.policy;
    const { id } = outline.unverifiedManifest;
    let judged: Pick<DiscoveredPackage, "signer"> = {};
    try {
      const trust = { trustOnFirstUse, repository, trustedKeys: await keys.list(), now: now() };
      judged = { signer: verifyWithoutSecrets(outline, trust) };
      // Not the kept policies: whatever lies there may claim ids without end.
      const policy = policyFor(this.#parts.policy, id);
      fitToHost(outline, { developmentFolder: undefined, policy, engines, installed: plugins.find(id)?.facts });
      return judged;
    } catch (error) {
      if (!isCodedError(error)) throw error;
      return { ...judged, error: refusalOf(error) };
    }
  }

  #developmentOf(path: string, { development, error }: ThreadReply): Omit<DiscoveredDevelopment, "claimants"> {
    const { id, version, displayName } = development ?? {};
    const opened = this.#parts.developments.list().find((each) => each.path === path);
    const installed = this.#installed(id, ({ developmentFolder }) => developmentFolder === path);
    return {
      kind: "development",
      path,
      id,
      version,
      displayName,
      ...(opened !== undefined && { state: opened.state }),
      ...(installed !== undefined && { installed }),
      ...(error !== undefined && { error }),
    };
  }

  #installed(
    id: string | undefined,
    isThis: (facts: { contentDigest: string; developmentFolder: string | undefined }) => boolean,
  ): InstalledNamesake | undefined {
    const record = id === undefined ? undefined : this.#parts.plugins.find(id);
    if (record?.facts === undefined) return undefined;
    return { version: record.facts.version, state: record.state, isThis: isThis(record.facts) };
  }
}

const late = (folderMs: number): ThreadReply => {
  const message = `what comes before it in the folder took more than ${folderMs} ms, so it was not opened`;
  return { error: refusalOf(new HostError("HOST_DISCOVERY_LIMIT", message)) };
};

function withClaimants(found: readonly Found[]): DiscoveredPlugin[] {
  const claims = new Map<string, number>();
  for (const { id } of found) if (id !== undefined) claims.set(id, (claims.get(id) ?? 0) + 1);
  return found
    .map((each) => ({ ...each, claimants: each.id === undefined ? 0 : (claims.get(each.id) ?? 0) }))
    .toSorted((a, b) => compare(a.id ?? "~", b.id ?? "~") || compare(a.path, b.path));
}

/** By code units: the same order on every machine. Ids have only letters, digits, hyphens and a dot, all before "~". */
const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
