import { memorySource, resolveSync } from "@berth/resolver";
import type {
  Conflict,
  Release,
  ReleaseList,
  ReleaseSource,
  Requirements,
  ResolveOptions,
  ResolveRequest,
  Resolution,
  Solution,
} from "@berth/resolver";
import assert from "node:assert/strict";

/** A registry that is set up in words: `serve("a", "1.0.0", { b: "^2" })`. */
export class FakeRegistry {
  readonly #lists = new Map<string, Release[]>();

  serve(plugin: string, version: string, dependencies: Requirements = {}, more: Omit<Release, "version"> = {}): this {
    const releases = this.#lists.get(plugin) ?? [];
    releases.push({ version, dependencies, ...more });
    this.#lists.set(plugin, releases);
    return this;
  }

  lists(): ReleaseList[] {
    return Array.from(this.#lists, ([plugin, releases]) => ({ plugin, releases }));
  }

  source(): ReleaseSource {
    return memorySource(this.lists());
  }

  resolve(roots: Requirements, request: Omit<ResolveRequest, "roots"> = {}, options: ResolveOptions = {}): Resolution {
    return resolveSync({ roots, ...request }, this.source(), options);
  }

  /** Resolves, and fails the test when there is no solution. */
  solve(roots: Requirements, request: Omit<ResolveRequest, "roots"> = {}): Solution {
    const resolution = this.resolve(roots, request);
    assert.equal(resolution.kind, "solution", resolution.kind === "conflict" ? resolution.explanation.text : "");
    return resolution as Solution;
  }

  /** The chosen versions by plugin. */
  versions(roots: Requirements, request: Omit<ResolveRequest, "roots"> = {}): Record<string, string> {
    return Object.fromEntries(this.solve(roots, request).versions);
  }

  /** Resolves, and fails the test when there is a solution. */
  conflict(roots: Requirements, request: Omit<ResolveRequest, "roots"> = {}, options: ResolveOptions = {}): Conflict {
    const resolution = this.resolve(roots, request, options);
    assert.equal(resolution.kind, "conflict");
    return resolution as Conflict;
  }
}

/** A registry with its first release. */
export function serve(...release: Parameters<FakeRegistry["serve"]>): FakeRegistry {
  return new FakeRegistry().serve(...release);
}
