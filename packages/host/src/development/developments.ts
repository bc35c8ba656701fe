import { isCodedError, quote, reportOf, sanitize } from "@berth/base";
import type { ErrorReport } from "@berth/base";

import type { ChangeQueue } from "../change-queue.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import type { Installer } from "../install/installer.ts";
import { openUnsigned } from "../install/plan.ts";
import type { OpenedPackage, Plan } from "../install/plan.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { DevelopmentFolder, DevelopmentSummary } from "./development-folder.ts";
import { FolderWatch } from "./node-folder-watch.ts";

/** What development folders are worked on with. All of it belongs to the host. */
export interface DevelopmentParts {
  /** By their real paths. */
  readonly folders: ReadonlyMap<string, DevelopmentFolder>;
  readonly plugins: PluginTable;
  readonly installer: Installer;
  readonly changes: ChangeQueue;
  readonly events: EventSink;
}

interface Built {
  readonly opened: OpenedPackage | undefined;
  readonly error: ErrorReport | undefined;
}

/**
 * The development folders of an open host: built and listed when it opens, unsigned, without grants, and run by
 * nobody's leave but a consent to exactly their content.
 */
export class Developments {
  readonly #parts: DevelopmentParts;
  readonly #built = new Map<string, Built>();
  readonly #watches: FolderWatch[] = [];
  readonly #refreshing = new Map<string, { isStale: boolean; readonly whenDone: Promise<void> }>();
  #isClosed = false;

  constructor(parts: DevelopmentParts) {
    this.#parts = parts;
  }

  /** Builds and lists every folder, and watches those that are to be watched. What cannot be built is listed so. */
  async begin(): Promise<void> {
    for (const [path, { watch }] of this.#parts.folders) {
      if (watch === true) await this.#watch(path);
      await this.#refresh(path);
    }
  }

  /** What the folders held when they were last built, in the order in which they were named. */
  list(): DevelopmentSummary[] {
    return [...this.#built].map(([path, built]) => this.#summaryOf(path, built));
  }

  /**
   * Builds a folder anew and tells what running it would mean, as `Host.plan` does for a package. Consent names
   * the plan's content digest as `unsigned`.
   *
   * @throws HostError HOST_DEVELOPMENT_UNKNOWN, HOST_DEVELOPMENT_TAKEN, and what `Host.plan` throws; what the
   *   folder's `build` throws
   */
  async plan(path: string): Promise<Plan> {
    const folder = this.#parts.folders.get(path);
    if (folder === undefined) {
      const known = [...this.#parts.folders.keys()].map((each) => quote(each, 200)).join(", ");
      throw new HostError(
        "HOST_DEVELOPMENT_UNKNOWN",
        `${quote(path, 200)} is no development folder of this host; those are ${known || "none"}`,
      );
    }
    return this.#parts.installer.planDevelopment(openUnsigned(await folder.build(path)), path);
  }

  /** Stops watching, and waits for what is being built. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const watch of this.#watches) watch[Symbol.dispose]();
    await Promise.allSettled([...this.#refreshing.values()].map(({ whenDone }) => whenDone));
  }

  async #watch(path: string): Promise<void> {
    const watch = new FolderWatch(
      path,
      () => void this.#refresh(path),
      (error) => this.#tell(path, { opened: undefined, error: reportOf(error) }, "failed"),
    );
    this.#watches.push(watch);
    await watch.begin();
  }

  /** One build at a time for each folder; what changes during a build is built again after it. Never rejects. */
  #refresh(path: string): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const underWay = this.#refreshing.get(path);
    if (underWay !== undefined) {
      underWay.isStale = true;
      return underWay.whenDone;
    }
    const whenDone = (async (): Promise<void> => {
      do {
        const entry = this.#refreshing.get(path);
        if (entry !== undefined) entry.isStale = false;
        await this.#takeUp(path);
      } while (this.#refreshing.get(path)?.isStale === true && !this.#isClosed);
      this.#refreshing.delete(path);
    })();
    this.#refreshing.set(path, { isStale: false, whenDone });
    return whenDone;
  }

  /** Builds fully, then swaps: a half-written file fails in the build, and the code before it goes on. */
  async #takeUp(path: string): Promise<void> {
    const { folders } = this.#parts;
    const folder = folders.get(path);
    if (folder === undefined) return;
    const before = this.#built.get(path);
    try {
      const opened = openUnsigned(await folder.build(path));
      const isNew = before?.opened?.contentDigest !== opened.contentDigest;
      const built = { opened, error: undefined };
      this.#built.set(path, built);
      const { state, id } = this.#summaryOf(path, built);
      if (state === "changed" && folder.watch === true && !this.#isClosed) {
        await this.#swap(path, opened);
        this.#tell(path, built, "reloaded");
      } else if (isNew || before?.error !== undefined) {
        this.#tell(path, built, state === "consented" && id !== undefined ? "unchanged" : "found");
      }
    } catch (error) {
      // What was built before goes on being listed, beside what is wrong now.
      const built = { opened: before?.opened, error: reportOf(isCodedError(error) ? error : unbuilt(path, error)) };
      this.#built.set(path, built);
      this.#tell(path, built, "failed");
    }
  }

  /** Takes over as an update does: calls under way end on the old code, and nothing is granted that was not before. */
  async #swap(path: string, opened: OpenedPackage): Promise<void> {
    const { installer, changes } = this.#parts;
    const plan = await installer.planDevelopment(opened, path);
    const consent = { grant: [], unsigned: plan.contentDigest, allowDowngrade: true };
    const items = [{ plan, consent, registry: undefined, askedRange: undefined }];
    // Half a file may be a whole program, of which nothing can be loaded.
    await installer.prove(items);
    await changes.run(() => installer.install(items));
  }

  #summaryOf(path: string, { opened, error }: Built): DevelopmentSummary {
    const manifest = opened?.unverifiedManifest;
    const facts = manifest === undefined ? undefined : this.#parts.plugins.find(manifest.id)?.facts;
    const isOurs = facts?.developmentFolder === path;
    const isSame = isOurs && facts.contentDigest === opened?.contentDigest;
    const state = error !== undefined ? "broken" : isSame ? "consented" : isOurs ? "changed" : "found";
    return {
      path,
      id: manifest?.id,
      version: manifest?.version,
      contentDigest: opened?.contentDigest,
      state,
      ...(error !== undefined && { error }),
    };
  }

  #tell(path: string, { opened, error }: Built, what: "found" | "unchanged" | "reloaded" | "failed"): void {
    const manifest = opened?.unverifiedManifest;
    this.#parts.events.emit({
      kind: "development",
      path,
      what,
      ...(manifest !== undefined && { pluginId: manifest.id, version: manifest.version }),
      ...(opened !== undefined && { contentDigest: opened.contentDigest }),
      ...(error !== undefined && { error }),
    });
  }
}

/** The embedding program's own builder may throw anything; its author wants to read it. */
function unbuilt(path: string, cause: unknown): HostError {
  const why = sanitize(cause instanceof Error ? cause.message : String(cause), 600);
  return new HostError("HOST_DEVELOPMENT_UNBUILT", `${quote(path, 200)} could not be built: ${why}`, { cause });
}
