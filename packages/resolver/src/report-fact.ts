import { describeFact } from "./describe-fact.ts";
import type { Fact } from "./incompatibility.ts";
import type { PluginTable } from "./plugin-table.ts";
import type { FactReport } from "./resolution.ts";
import type { VersionSet } from "./version-set.ts";

/** A fact as plain data, for programs. Names and ranges are as their authors wrote them. */
export function reportFact(fact: Fact): FactReport {
  switch (fact.kind) {
    case "root":
      return { kind: "root", plugin: fact.target.name, range: fact.range.text, ...overrideOf(fact) };
    case "edge":
      return {
        kind: fact.edge.kind,
        plugin: fact.source.name,
        versions: versionsIn(fact.source, fact.edge.makers),
        target: fact.target.name,
        range: fact.edge.range.text,
        ...overrideOf(fact),
      };
    case "banned":
      return {
        kind: "banned",
        plugin: fact.target.name,
        versions: versionsIn(fact.target, fact.set),
        ban: fact.ban.kind,
        text: describeFact(fact),
      };
  }
}

function overrideOf({ override }: Extract<Fact, { kind: "root" | "edge" }>): { readonly override?: string } {
  return override === undefined ? {} : { override: override.text };
}

function versionsIn(plugin: PluginTable, set: VersionSet): string[] {
  const versions: string[] = [];
  for (let index = 0; index < set.length; index += 2) {
    for (const version of plugin.versions.slice(set[index], set[index + 1])) versions.push(version.text);
  }
  return versions;
}
