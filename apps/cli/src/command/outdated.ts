import { compareVersions, tryParseVersion } from "@berth/resolver";
import { RegistryApi, RegistryClient, nodePowers } from "@berth/client";
import type { InstalledNode } from "@berth/host";
import { versionInRange } from "@berth/spec";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { showProgress } from "../progress.ts";
import { withHost } from "../with-host.ts";

/** Half a million changes; a feed that goes on beyond has another purpose than telling what changed. */
const MAX_PAGES = 500;

/** What a newer release of an installed plugin means. */
interface Outdated {
  readonly id: string;
  readonly installed: string;
  /** The newest within the range that was asked for; missing when the installed one is it. */
  readonly wanted?: string;
  readonly latest: string;
  readonly registry: string;
}

export const command: Command = {
  summary: "tell which installed plugins have newer releases",
  usage: "",
  async run(invocation) {
    if (invocation.args.length > 0) throw new CliError("CLI_USAGE", "expected no arguments");
    const nodes = await withHost(invocation, (host) => host.graph());
    const byRegistry = Map.groupBy(
      nodes.filter(({ registry }) => registry !== undefined),
      ({ registry }) => registry as string,
    );
    const progress = showProgress(invocation.terminal);
    const powers = nodePowers();
    try {
      const outdated: Outdated[] = [];
      for (const [url, installed] of byRegistry) {
        const api = new RegistryApi(new RegistryClient({ url: new URL(url), powers }));
        const live = await readLiveVersions(api, (count) => progress.update("changes read", count, undefined));
        for (const node of installed) {
          const found = compare(node, live.get(node.id) ?? new Set(), url);
          if (found !== undefined) outdated.push(found);
        }
      }
      const lines = outdated.map(
        ({ id, installed, wanted, latest }) =>
          `${id.padEnd(32)} ${installed.padEnd(12)} ${(wanted ?? installed).padEnd(12)} ${latest}`,
      );
      const head = `${"plugin".padEnd(32)} ${"installed".padEnd(12)} ${"in range".padEnd(12)} newest`;
      return {
        json: { ok: true, outdated },
        text: lines.length === 0 ? "everything is up to date" : [head, ...lines].join("\n"),
      };
    } finally {
      progress.end();
      powers[Symbol.dispose]();
    }
  },
};

/**
 * Reads the whole change feed, which is the same for everybody: no registry learns from it what is installed
 * here, as it would from a question for each plugin.
 */
async function readLiveVersions(
  api: RegistryApi,
  onChanges: (count: number) => void,
): Promise<Map<string, Set<string>>> {
  const live = new Map<string, Set<string>>();
  let after = 0;
  let count = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, last } = await api.changes(after);
    for (const { sequence, kind, plugin, version } of items) {
      after = Math.max(after, sequence);
      if (plugin === undefined || version === undefined) continue;
      const versions = live.get(plugin) ?? new Set();
      live.set(plugin, versions);
      if (kind === "publish" || kind === "unyank") versions.add(version);
      if (kind === "yank") versions.delete(version);
    }
    onChanges((count += items.length));
    if (items.length === 0 || after >= last) break;
  }
  return live;
}

function compare(node: InstalledNode, live: ReadonlySet<string>, registry: string): Outdated | undefined {
  const { id, version, askedRange = "*" } = node;
  const current = tryParseVersion(version);
  const newer = Array.from(live)
    .map(tryParseVersion)
    .filter((each) => each !== undefined && current !== undefined && compareVersions(each, current) > 0)
    .filter((each) => each !== undefined)
    // A pre-release is news only for who runs one.
    .filter(({ text }) => !text.includes("-") || version.includes("-"))
    .toSorted(compareVersions);
  const latest = newer.at(-1)?.text;
  if (latest === undefined) return undefined;
  const wanted = newer.findLast(({ text }) => versionInRange(text, askedRange))?.text;
  return { id, installed: version, ...(wanted !== undefined && { wanted }), latest, registry };
}
