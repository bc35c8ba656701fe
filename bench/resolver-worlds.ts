import type { Release, ReleaseList, Requirements } from "@berth/resolver";

/** Release lists with the roots to resolve over them. */
export interface World {
  readonly lists: readonly ReleaseList[];
  readonly roots: Requirements;
}

/** A small linear congruential generator: the same seed gives the same world everywhere. */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function wants(names: readonly string[]): Requirements {
  return Object.fromEntries(names.map((name) => [name, "*"]));
}

/** One pigeon more than there are holes: no proof by resolution is short (Haken 1985). */
export function pigeonHoles(holes: number): World {
  const names = Array.from({ length: holes + 1 }, (_, index) => `pigeon${index}`);
  const lists = names.map((plugin) => ({
    plugin,
    releases: Array.from({ length: holes }, (_, hole): Release => {
      const others = names.filter((name) => name !== plugin);
      return {
        version: `${hole + 1}.0.0`,
        conflicts: Object.fromEntries(others.map((other) => [other, `${hole + 1}.0.0`])),
      };
    }),
  }));
  return { lists, roots: wants(names) };
}

/** Random clauses of three literals, five per variable: above the threshold, so hardly ever satisfiable. */
export function randomClauses(variables: number, seed: number): World {
  const random = generator(seed);
  const lists: ReleaseList[] = Array.from({ length: variables }, (_, index) => ({
    plugin: `variable${index}`,
    releases: [{ version: "0.0.0" }, { version: "1.0.0" }],
  }));
  const clauses = Array.from({ length: variables * 5 }, (_, index) => `clause${index}`);
  for (const plugin of clauses) {
    const chosen = new Set<number>();
    while (chosen.size < 3) chosen.add(random(variables));
    const releases = Array.from(chosen, (variable, place) => ({
      version: `${place + 1}.0.0`,
      dependencies: { [`variable${variable}`]: `${random(2)}.0.0` },
    }));
    lists.push({ plugin, releases });
  }
  return { lists, roots: wants(clauses) };
}

/** One plugin with very many releases, all of which lead to one of a few dead ends. */
export function deadEnds(releases: number, ends: number): World {
  return {
    lists: [
      {
        plugin: "big",
        releases: Array.from({ length: releases }, (_, index) => ({
          version: `1.${index}.0`,
          dependencies: { [`end${index % ends}`]: "^2.0.0" },
        })),
      },
      ...Array.from({ length: ends }, (_, end) => ({ plugin: `end${end}`, releases: [{ version: "1.0.0" }] })),
    ],
    roots: wants(["big"]),
  };
}

/** A ladder of pairs that agree or disagree all the way up, and cannot agree at the top. */
export function ladder(rungs: number, versions: number): World {
  const lists: ReleaseList[] = [];
  const all = Array.from({ length: versions }, (_, index) => `${index + 1}.0.0`);
  for (let rung = 0; rung < rungs; rung += 1) {
    for (const side of ["left", "right"]) {
      const above = (version: string): Requirements =>
        rung + 1 < rungs
          ? { [`left${rung + 1}`]: version, [`right${rung + 1}`]: version }
          : { [`top-${side}`]: version };
      lists.push({
        plugin: `${side}${rung}`,
        releases: all.map((version) => ({ version, dependencies: above(version) })),
      });
    }
  }
  lists.push({ plugin: "top-left", releases: all.map((version) => ({ version, dependencies: { top: version } })) });
  const others = all.map((version, index) => ({
    version,
    dependencies: { top: all[(index + 1) % versions] as string },
  }));
  lists.push({ plugin: "top-right", releases: others });
  lists.push({ plugin: "top", releases: all.map((version) => ({ version })) });
  return { lists, roots: wants(["left0", "right0"]) };
}
