import type { Allowance } from "./budget.ts";
import type { Catalogue } from "./catalogue.ts";
import { bannedReleases } from "./eligibility.ts";
import { bannedIncompatibility, edgeIncompatibility, resolveOver, rootIncompatibility } from "./incompatibility.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { PartialSolution, putAt } from "./partial-solution.ts";
import type { Edge, PluginTable } from "./plugin-table.ts";
import { Preference } from "./preference.ts";
import type { CompiledRequest } from "./request.ts";
import { relate } from "./term.ts";
import type { Term } from "./term.ts";
import { complementOf, countOf, intersectionOf, isSubset, unionOf } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/** How a search ended. */
export type Outcome =
  | { readonly kind: "solution"; readonly places: ReadonlyMap<PluginTable, number> }
  /** `proof` has no terms: it follows from the facts that nothing fits. */
  | { readonly kind: "conflict"; readonly proof: Incompatibility }
  /** `clues`: what was learned last before the budget ended. */
  | { readonly kind: "exhausted"; readonly clues: readonly Incompatibility[] };

export interface SolverCounts {
  decisions: number;
  conflicts: number;
}

/** In which order a search decides. Verdicts do not depend on it; solutions and proofs do. */
export interface SearchOrder {
  /** Among plugins of equal standing, the one with the most releases left comes first, not that with the fewest. */
  readonly takesWidest: boolean;
  /** Releases are tried from the lowest up, whatever the request prefers. */
  readonly takesLowest: boolean;
}

/** What a search may look at, and how. */
export interface SearchOptions {
  /** Only these plugins exist; requirements on others are ignored. All by default. */
  readonly scope?: ReadonlySet<string>;
  /** This plugin does not exist; requirements on it are ignored. */
  readonly without?: string;
  /** Only for searches of which the proof alone matters. */
  readonly order?: SearchOrder;
}

/** Names whose release lists must be in the catalogue before the search can go on. */
export interface LoadNeed {
  readonly needed: readonly string[];
  /** Finds what will probably be needed next, for sources that can fetch ahead. */
  readonly likely: () => string[];
}

/**
 * PubGrub: unit propagation, decisions, and conflict-driven learning. See docs/solver.md.
 *
 * The search is a generator that yields the names of the lists it needs; whoever drives it puts them into
 * the catalogue and resumes it. So the same code serves sources that answer at once and later.
 *
 * Roots are decided before all others but what can stay as locked. As each decision takes the most preferred
 * release that the ones before it leave possible, no solution is better for one root without being worse
 * for another or for the lock.
 */
export class Solver {
  readonly counts: SolverCounts = { decisions: 0, conflicts: 0 };
  readonly #request: CompiledRequest;
  readonly #catalogue: Catalogue;
  readonly #budget: Allowance;
  readonly #preference: Preference;
  readonly #scope: ReadonlySet<string> | undefined;
  readonly #without: string | undefined;
  readonly #order: SearchOrder;
  readonly #solution: PartialSolution;
  /** By plugin id. */
  readonly #incompatibilities: (Incompatibility[] | undefined)[];
  readonly #roots = new Set<PluginTable>();
  readonly #known = new Set<PluginTable>();
  readonly #addedEdges = new Set<Edge>();
  /** Optional dependencies and conflicts on plugins that nothing requires so far. */
  readonly #waiting = new Map<number, { source: PluginTable; edge: Edge }[]>();
  readonly #clues: Incompatibility[] = [];

  constructor(request: CompiledRequest, catalogue: Catalogue, budget: Allowance, options: SearchOptions = {}) {
    this.#request = request;
    this.#catalogue = catalogue;
    this.#budget = budget;
    this.#preference = new Preference(request);
    this.#solution = new PartialSolution(catalogue.size);
    this.#incompatibilities = new Array<Incompatibility[] | undefined>(catalogue.size);
    this.#scope = options.scope;
    this.#without = options.without;
    this.#order = options.order ?? { takesWidest: false, takesLowest: false };
  }

  *solve(): Generator<LoadNeed, Outcome, void> {
    const roots = this.#request.roots.filter(({ plugin }) => this.#isInScope(plugin));
    const unread = roots.map(({ plugin }) => plugin).filter((plugin) => !this.#isRead(this.#catalogue.idOf(plugin)));
    if (unread.length > 0) yield this.#need(unread);
    const changed: PluginTable[] = [];
    for (const { plugin, range } of roots) {
      const table = this.#tableOf(plugin);
      this.#meet(table);
      const incompatibility = rootIncompatibility(table, range, this.#request.overrides.get(plugin));
      this.#add(incompatibility);
      this.#roots.add(table);
      if (incompatibility.terms.length === 0) return { kind: "conflict", proof: incompatibility };
      changed.push(table);
    }
    for (;;) {
      const proof = this.#propagate(changed);
      if (proof !== undefined) return { kind: "conflict", proof };
      if (this.#budget.isExhausted()) return { kind: "exhausted", clues: this.#clues };
      const next = this.#choose();
      if (next === undefined) return { kind: "solution", places: this.#places() };
      const place = this.#candidateOf(next);
      const targets = this.#unreadTargets(next, place);
      if (targets.length > 0) yield this.#need(targets);
      this.#decide(next, place);
      changed.push(next);
    }
  }

  #isInScope(plugin: string): boolean {
    return plugin !== this.#without && (this.#scope === undefined || this.#scope.has(plugin));
  }

  #tableOf(plugin: string): PluginTable {
    return this.#catalogue.table(this.#catalogue.idOf(plugin));
  }

  #isRead(id: number): boolean {
    return this.#catalogue.tryTable(id) !== undefined;
  }

  #need(plugins: readonly string[]): LoadNeed {
    return { needed: plugins, likely: () => this.#likelyNeeds() };
  }

  /** What the candidates of the undecided plugins require: worth fetching while we wait anyway. */
  #likelyNeeds(): string[] {
    const likely = new Set<string>();
    for (const table of this.#solution.undecided) {
      for (const target of this.#unreadTargets(table, this.#candidateOf(table))) likely.add(target);
    }
    return Array.from(likely);
  }

  /** The release of an undecided plugin that would be taken now. */
  #candidateOf(table: PluginTable): number {
    const allowed = this.#solution.setOf(table) as VersionSet;
    return this.#order.takesLowest ? (allowed[0] as number) : this.#preference.placeOf(table, allowed);
  }

  /** Plugins that a release depends on and whose lists have not been read. */
  #unreadTargets(table: PluginTable, place: number): string[] {
    const targets: string[] = [];
    for (const { kind, target, targetId } of table.edgesAt(place)) {
      if (kind === "dependency" && !this.#isRead(targetId) && this.#isInScope(target)) targets.push(target);
    }
    return targets;
  }

  /** Brings in what is known of a plugin by itself, the first time that anything requires it. */
  #meet(table: PluginTable): void {
    if (this.#known.has(table)) return;
    this.#known.add(table);
    this.#preference.meet(table);
    for (const { ban, set } of bannedReleases(table, this.#request)) this.#add(bannedIncompatibility(table, set, ban));
    for (const { source, edge } of this.#waiting.get(table.id) ?? []) this.#addEdge(source, edge);
    this.#waiting.delete(table.id);
  }

  #add(incompatibility: Incompatibility): void {
    for (const { plugin } of incompatibility.terms) {
      const about = this.#incompatibilities[plugin.id];
      if (about === undefined) putAt(this.#incompatibilities, plugin.id, [incompatibility]);
      else about.push(incompatibility);
    }
  }

  /** Unit propagation from the plugins in `changed`, which it empties. Gives the proof when nothing fits. */
  #propagate(changed: PluginTable[]): Incompatibility | undefined {
    for (let next = 0; next < changed.length; next += 1) {
      const plugin = changed[next] as PluginTable;
      const about = this.#incompatibilities[plugin.id] ?? [];
      // Newest first: learned incompatibilities say more than the facts they came from.
      for (let index = about.length - 1; index >= 0; index -= 1) {
        const incompatibility = about[index] as Incompatibility;
        const { contradictedBy } = incompatibility;
        if (contradictedBy?.isStanding === true) {
          // What is contradicted before any decision stays so: it need never be looked at again.
          if (contradictedBy.decisionLevel === 0) about.splice(index, 1);
          continue;
        }
        this.#budget.spend(1);
        const unit = this.#examine(incompatibility);
        if (unit === "violated") {
          this.counts.conflicts += 1;
          const learned = this.#resolveConflict(incompatibility);
          if (learned.terms.length === 0) return learned;
          changed.length = 0;
          changed.push(this.#deriveFrom(learned, this.#examine(learned) as Term));
          next = -1;
          break;
        }
        if (unit !== undefined) changed.push(this.#deriveFrom(incompatibility, unit));
      }
      if (this.#budget.isExhausted()) break;
    }
    changed.length = 0;
    return undefined;
  }

  /** The only term that is still open, "violated" when none is, or `undefined` when nothing follows. */
  #examine(incompatibility: Incompatibility): Term | "violated" | undefined {
    let open: Term | undefined;
    for (const term of incompatibility.terms) {
      const relation = relate(this.#solution.setOf(term.plugin), term);
      if (relation === "satisfied") continue;
      if (relation === "contradicted") {
        incompatibility.contradictedBy = this.#solution.lastOf(term.plugin);
        return undefined;
      }
      if (open !== undefined) return undefined;
      open = term;
    }
    return open ?? "violated";
  }

  #deriveFrom(cause: Incompatibility, { plugin, set }: Term): PluginTable {
    const allowed = complementOf(set, plugin.size);
    const known = this.#solution.setOf(plugin);
    this.#solution.derive(plugin, known === undefined ? allowed : intersectionOf(known, allowed), cause);
    return plugin;
  }

  /**
   * Follows a violated incompatibility back to the decision that caused it, undoes that decision and
   * returns what was learned; or returns an incompatibility without terms when no decision caused it.
   * See docs/solver.md, "Conflict resolution".
   */
  #resolveConflict(violated: Incompatibility): Incompatibility {
    let incompatibility = violated;
    while (incompatibility.terms.length > 0) {
      const { term, satisfier, previousLevel } = this.#latestSatisfier(incompatibility);
      if (previousLevel < satisfier.decisionLevel || satisfier.cause === undefined) {
        this.#solution.backtrack(previousLevel);
        if (incompatibility !== violated) this.#learn(incompatibility);
        return incompatibility;
      }
      incompatibility = resolveOver(term.plugin, incompatibility, satisfier.cause);
      this.#budget.spend(incompatibility.terms.length);
    }
    return incompatibility;
  }

  /**
   * The term that became true last, the assignment that made it so, and the decision level at which the
   * incompatibility would force that term to be false had the later assignments not happened.
   */
  #latestSatisfier(incompatibility: Incompatibility) {
    let latest: Term | undefined;
    let satisfier = undefined as ReturnType<PartialSolution["satisfier"]> | undefined;
    let previousLevel = 0;
    for (const term of incompatibility.terms) {
      const assignment = this.#solution.satisfier(term.plugin, term.set);
      if (satisfier === undefined || assignment.index > satisfier.index) {
        if (satisfier !== undefined) previousLevel = Math.max(previousLevel, satisfier.decisionLevel);
        latest = term;
        satisfier = assignment;
      } else {
        previousLevel = Math.max(previousLevel, assignment.decisionLevel);
      }
    }
    if (latest === undefined || satisfier === undefined)
      throw new Error("An incompatibility without terms was examined");
    // The satisfier's own claim may satisfy the term only together with earlier ones: those count as well.
    if (satisfier.cause !== undefined) {
      const claimed = satisfier.cause.terms.find(({ plugin }) => plugin === latest.plugin) as Term;
      const open = unionOf(latest.set, claimed.set);
      if (!isSubset(latest.plugin.full, open)) {
        previousLevel = Math.max(previousLevel, this.#solution.satisfier(latest.plugin, open).decisionLevel);
      }
    }
    return { term: latest, satisfier, previousLevel };
  }

  #learn(incompatibility: Incompatibility): void {
    this.#add(incompatibility);
    this.#clues.push(incompatibility);
    if (this.#clues.length > 8) this.#clues.shift();
  }

  /**
   * The next plugin to decide: one that can stay as locked, else a root, else any; among equals the one
   * with the fewest releases left, else the one that came up first. See `SearchOrder` for the exceptions.
   */
  #choose(): PluginTable | undefined {
    const { undecided } = this.#solution;
    let looks = 0;
    let best: PluginTable | undefined;
    let bestRank = Infinity;
    let bestCount = Infinity;
    for (const table of undecided) {
      looks += 1;
      const allowed = this.#solution.setOf(table) as VersionSet;
      const rank = this.#preference.canStay(table, allowed) ? 0 : this.#roots.has(table) ? 1 : 2;
      if (rank > bestRank) continue;
      const count = this.#order.takesWidest ? -countOf(allowed) : countOf(allowed);
      if (rank < bestRank || count < bestCount) {
        best = table;
        bestRank = rank;
        bestCount = count;
        // Nothing comes before it: thousands of installed plugins that stay as they are cost one look each.
        if (rank === 0 && count === 1) break;
      }
    }
    this.#budget.spend(looks);
    return best;
  }

  /** Decides on a release, unless what it requires shows at once that it cannot be. */
  #decide(table: PluginTable, place: number): void {
    let isPossible = true;
    for (const edge of table.edgesAt(place)) {
      if (this.#addedEdges.has(edge) || !this.#isInScope(edge.target)) continue;
      this.#addedEdges.add(edge);
      const added = this.#admitEdge(table, edge);
      if (added !== undefined && this.#violatesBeside(added, table)) isPossible = false;
    }
    if (!isPossible) return;
    this.counts.decisions += 1;
    this.#solution.decide(table, place);
  }

  /** Adds what an edge requires, or keeps it until its target is required by something. */
  #admitEdge(source: PluginTable, edge: Edge): Incompatibility | undefined {
    if (edge.kind === "dependency") {
      this.#meet(this.#catalogue.table(edge.targetId));
      return this.#addEdge(source, edge);
    }
    const id = edge.targetId;
    const target = this.#catalogue.tryTable(id);
    if (target !== undefined && this.#known.has(target)) return this.#addEdge(source, edge);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) this.#waiting.set(id, [{ source, edge }]);
    else waiting.push({ source, edge });
    return undefined;
  }

  #addEdge(source: PluginTable, edge: Edge): Incompatibility | undefined {
    const override = edge.kind === "conflict" ? undefined : this.#request.overrides.get(edge.target);
    const incompatibility = edgeIncompatibility(source, edge, this.#catalogue.table(edge.targetId), override);
    if (incompatibility !== undefined) this.#add(incompatibility);
    return incompatibility;
  }

  /** Whether all terms but the one about `table` are true already. */
  #violatesBeside(incompatibility: Incompatibility, table: PluginTable): boolean {
    return incompatibility.terms.every(
      (term) => term.plugin === table || relate(this.#solution.setOf(term.plugin), term) === "satisfied",
    );
  }

  #places(): Map<PluginTable, number> {
    const places = new Map<PluginTable, number>();
    for (const table of this.#solution.required) places.set(table, this.#solution.setOf(table)?.[0] as number);
    return places;
  }
}
