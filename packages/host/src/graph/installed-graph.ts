import type { PluginTable } from "../lifecycle/plugin-table.ts";

/** One installed plugin and what it asks of others, as `why` and `tree` need it. */
export interface InstalledNode {
  readonly id: string;
  readonly version: string;
  /** The range that somebody asked for; missing for what came because others need it. */
  readonly askedRange?: string;
  /** Address of the registry it came from; missing for a file. */
  readonly registry?: string;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly needs: readonly InstalledNeed[];
  /** Its manifest cannot be read by this version of Berth; `needs` is empty then. */
  readonly areNeedsUnknown?: true;
  /** Nobody asked for it, and nobody who was asked for needs it. */
  readonly isUnneeded: boolean;
}

export interface InstalledNeed {
  readonly id: string;
  readonly range: string;
  readonly isOptional: boolean;
  readonly isLazy: boolean;
  /** What is installed; missing for an optional dependency that is not there. */
  readonly version?: string;
}

/** The installed plugins with their needs, by id. */
export function installedGraph(plugins: PluginTable, unneeded: readonly string[]): InstalledNode[] {
  const isUnneeded = new Set(unneeded);
  return plugins.stored().map(({ id, facts }) => {
    const { manifest, version, askedRange, registry, contentDigest, fileDigest } = facts;
    const needs = (["dependencies", "optionalDependencies"] as const).flatMap((kind) =>
      Object.entries(manifest?.[kind] ?? {}).map(([needed, dependency]): InstalledNeed => {
        const neededVersion = plugins.find(needed)?.facts.version;
        return {
          id: needed,
          range: typeof dependency === "string" ? dependency : dependency.range,
          isOptional: kind === "optionalDependencies",
          isLazy: typeof dependency === "object" && dependency.lazy,
          ...(neededVersion !== undefined && { version: neededVersion }),
        };
      }),
    );
    return {
      id,
      version,
      ...(askedRange !== undefined && { askedRange }),
      ...(registry !== undefined && { registry }),
      contentDigest,
      fileDigest,
      needs,
      ...(manifest === undefined && { areNeedsUnknown: true }),
      isUnneeded: isUnneeded.has(id),
    };
  });
}
