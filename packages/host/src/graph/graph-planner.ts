import type { AnswerCache, ClientPowers } from "@berth/client";
import type { Policy as ResolvePolicy } from "@berth/resolver";
import { SECURITY_LEVELS, compareLevels, publisherOf } from "@berth/spec";
import type { SecurityLevel } from "@berth/spec";
import type { Store } from "@berth/store";

import { HostError } from "../errors.ts";
import type { Installer, InstallerParts } from "../install/installer.ts";
import { openPackage } from "../install/plan.ts";
import type { OpenedPackage } from "../install/plan.ts";
import type { RegistryBook } from "../registry/registry-book.ts";
import { RegistrySession } from "../registry/registry-session.ts";
import type { ScanThread } from "../scan/node-scan-thread.ts";
import type { GraphMember, GraphPlan, GraphRequest, PublisherOrigin } from "./graph-plan.ts";
import { planMembers } from "./plan-members.ts";
import { solveFrozen, solveGraph } from "./solve-graph.ts";
import type { GraphProblem, SolvedGraph } from "./solve-graph.ts";
import { verifyAllNeeds } from "./unmet-needs.ts";

/** What a planner works on. All of it belongs to the host. */
export interface GraphPlannerParts extends Pick<InstallerParts, "plugins" | "policy" | "engines" | "now"> {
  readonly store: Store;
  readonly book: RegistryBook;
  readonly installer: Installer;
  readonly scans: ScanThread;
  readonly powers: ClientPowers;
  readonly cache: AnswerCache;
}

/** Plans installs of whole graphs: solve, download, verify, scan. Changes nothing that is installed. */
export class GraphPlanner {
  readonly #parts: GraphPlannerParts;

  constructor(parts: GraphPlannerParts) {
    this.#parts = parts;
  }

  /** See `Host.planGraph`. */
  async plan(request: GraphRequest): Promise<GraphPlan> {
    const { store, book, powers, cache, scans } = this.#parts;
    scans.warm();
    const packages = openAll(request.packages ?? []);
    const session = await RegistrySession.open({ store, book, powers, cache });
    try {
      return await this.#plan(request, packages, session);
    } finally {
      // Also after a failure: what was seen must be remembered when the next plan is made.
      await session.remember();
    }
  }

  async #plan(
    request: GraphRequest,
    packages: ReadonlyMap<string, OpenedPackage>,
    session: RegistrySession,
  ): Promise<GraphPlan> {
    const { plugins, installer, scans, policy } = this.#parts;
    const problem = this.#problemOf(request, packages, session);
    if (session.registries.length === 0 && Object.keys(problem.asked).length > 0)
      throw new HostError("HOST_NO_REGISTRY", `${Object.keys(problem.asked).join(", ")}: no registry is configured`);
    const isFrozen = request.isFrozen === true && request.lock !== undefined;
    const solved = isFrozen ? await solveFrozen(problem, request.lock) : await solveGraph(problem);
    const members = await planMembers(solved, {
      request,
      packages,
      installer,
      scans,
      policy,
      plugins,
      asked: problem.asked,
    });
    const newlyAsked = this.#newlyAsked(problem.asked, members);
    if (members.length === 0 && Object.keys(newlyAsked).length === 0) throw this.#nothingToDo(solved);
    const before = plugins.manifests();
    const after = new Map([...before, ...members.map(({ manifest }) => [manifest.id, manifest] as const)]);
    verifyAllNeeds(after, before);
    const stored = plugins.stored().map(({ id, facts }) => [id, facts.version] as const);
    return {
      members,
      newlyAsked,
      versionsAfter: new Map([...stored, ...Array.from(after, ([id, { version }]) => [id, version] as const)]),
      origins: originsOf(members, session),
    };
  }

  #problemOf(
    request: GraphRequest,
    packages: ReadonlyMap<string, OpenedPackage>,
    session: RegistrySession,
  ): GraphProblem {
    const { plugins, policy, engines, now } = this.#parts;
    const { lock, onProgress, signal } = request;
    const isFrozen = request.isFrozen === true && lock !== undefined;
    return {
      session,
      installed: new Map(
        Array.from(plugins.manifests(), ([id, manifest]) => [
          id,
          { manifest, askedRange: plugins.get(id).facts.askedRange },
        ]),
      ),
      packages: new Map(Array.from(packages, ([id, { unverifiedManifest: manifest }]) => [id, { manifest }])),
      asked: isFrozen ? lock.requirements : (request.plugins ?? {}),
      lock,
      policy: policy.resolve as ResolvePolicy,
      highestLevel: highestLevel(engines.flatMap(({ levels }) => levels)),
      now: now(),
      signal,
      onLists: (lists) => onProgress?.({ step: "resolving", lists }),
    };
  }

  #newlyAsked(asked: Readonly<Record<string, string>>, members: readonly GraphMember[]): Record<string, string> {
    const { plugins } = this.#parts;
    const isMember = new Set(members.map(({ manifest }) => manifest.id));
    return Object.fromEntries(
      Object.entries(asked).filter(([id, range]) => !isMember.has(id) && plugins.find(id)?.facts.askedRange !== range),
    );
  }

  #nothingToDo({ order }: SolvedGraph): HostError {
    const { plugins } = this.#parts;
    const names = order.map((id) => `${id} ${plugins.find(id)?.facts.version}`);
    return new HostError("HOST_ALREADY_INSTALLED", `everything is installed already: ${names.join(", ")}`);
  }
}

/** Reads packages at hand. Two for one plugin would be two answers to one question. */
function openAll(packages: readonly Uint8Array[]): Map<string, OpenedPackage> {
  const opened = new Map<string, OpenedPackage>();
  for (const bytes of packages) {
    const one = openPackage(bytes);
    const { id } = one.unverifiedManifest;
    if (opened.has(id)) throw new HostError("HOST_PLAN_STALE", `two packages of ${id} were given for one install`);
    opened.set(id, one);
  }
  return opened;
}

function highestLevel(levels: readonly SecurityLevel[]): SecurityLevel | undefined {
  return SECURITY_LEVELS.filter((level) => levels.includes(level))
    .toSorted(compareLevels)
    .at(-1);
}

/** From which registry each publisher's packages come, publishers in the order of their names. */
function originsOf(members: readonly GraphMember[], session: RegistrySession): PublisherOrigin[] {
  const urls = new Map<string, string>();
  for (const { manifest, registry } of members) {
    if (registry !== undefined) urls.set(publisherOf(manifest.id), registry);
  }
  return Array.from(urls, ([publisher, url]) => ({ publisher, url, isNew: !session.bindings.has(publisher) })).toSorted(
    (a, b) => (a.publisher < b.publisher ? -1 : 1),
  );
}
