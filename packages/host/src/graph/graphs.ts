import { join } from "node:path";

import type { ClientPowers } from "@berth/client";

import type { InstallerParts, Installer } from "../install/installer.ts";
import { RegistryBook } from "../registry/registry-book.ts";
import { ScanThread } from "../scan/node-scan-thread.ts";
import { installGraph, itemsOf } from "./graph-installer.ts";
import type { GraphConsent, GraphPlan, GraphRequest } from "./graph-plan.ts";
import type { GraphPlanner } from "./graph-planner.ts";
import { installedGraph } from "./installed-graph.ts";
import type { InstalledNode } from "./installed-graph.ts";
import { unneededPlugins } from "./unmet-needs.ts";

/** What graphs are planned and installed with. All of it belongs to the host. */
export interface GraphParts extends Pick<InstallerParts, "store" | "plugins" | "policy" | "engines" | "now"> {
  readonly dataDir: string;
  readonly installer: Installer;
}

/** Registries and graphs of an open host; dispose it with the host. */
export class Graphs {
  readonly registries: RegistryBook;
  readonly #parts: GraphParts;
  readonly #scans = new ScanThread();
  #planner: Promise<GraphPlanner> | undefined;
  #powers: (ClientPowers & Disposable) | undefined;

  constructor(parts: GraphParts) {
    this.#parts = parts;
    this.registries = new RegistryBook(parts.store, parts.now);
  }

  /** See `Host.planGraph`. */
  async plan(request: GraphRequest): Promise<GraphPlan> {
    this.#planner ??= this.#openPlanner().catch((error: unknown) => {
      this.#planner = undefined; // The folder of the cache may be mended by the next time.
      throw error;
    });
    return (await this.#planner).plan(request);
  }

  /** Loaded when first used: most runs of a host install nothing. */
  async #openPlanner(): Promise<GraphPlanner> {
    const { dataDir, now } = this.#parts;
    const [{ GraphPlanner: Planner }, { nodePowers, openAnswerCache }] = await Promise.all([
      import("./graph-planner.ts"),
      import("@berth/client"),
    ]);
    const powers = (this.#powers ??= nodePowers());
    const cache = await openAnswerCache(join(dataDir, "cache", "registry"), { now });
    return new Planner({ ...this.#parts, book: this.registries, scans: this.#scans, powers, cache });
  }

  /** Loads the code of all packages, once consent was compared with what they need. See `Installer.prove`. */
  async prove(plan: GraphPlan, consent: GraphConsent): Promise<void> {
    const bindings = await this.registries.bindings();
    await this.#parts.installer.prove(itemsOf(plan, consent, { ...this.#parts, bindings }));
  }

  /** See `Host.installGraph`. The host calls it while nothing else changes. */
  async install(plan: GraphPlan, consent: GraphConsent): Promise<string[]> {
    const bindings = await this.registries.bindings();
    return installGraph(plan, consent, { ...this.#parts, bindings });
  }

  /** See `Host.graph`. */
  installed(): InstalledNode[] {
    const { plugins } = this.#parts;
    const isAsked = (id: string): boolean => plugins.find(id)?.facts.askedRange !== undefined;
    // Nobody knows what a plugin needs whose manifest cannot be read, so then nothing is said to be unneeded.
    const isKnown = plugins.stored().every(({ facts }) => facts.manifest !== undefined);
    return installedGraph(plugins, isKnown ? unneededPlugins(plugins.manifests(), isAsked) : []);
  }

  async close(): Promise<void> {
    this.#powers?.[Symbol.dispose]();
    await this.#scans.close();
  }
}
