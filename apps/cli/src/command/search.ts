import { quote, sanitize } from "@berth/base";
import type { PluginCard } from "@berth/spec";
import { SEARCH_SORTS } from "@berth/spec";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { registryOptions, withRegistry } from "../registry-access.ts";

const FILTERS = ["category", "tag", "capability", "level", "pricing"] as const;

export const command: Command = {
  summary: "search a registry's catalogue",
  usage: "[WORDS …] [--category A,B] [--sort relevance|downloads|updated|price] …",
  options: {
    ...registryOptions,
    category: { type: "string", value: "A,B", help: "only plugins on one of these shelves" },
    tag: { type: "string", value: "A,B", help: "only plugins with one of these tags" },
    capability: { type: "string", value: "A,B", help: "only plugins that provide one of these" },
    level: { type: "string", value: "A,B", help: "only plugins with one of these security levels" },
    pricing: { type: "string", value: "A,B", help: "only plugins with one of these pricing models" },
    sort: { type: "string", value: "ORDER", help: `one of ${SEARCH_SORTS.join(", ")}` },
    limit: { type: "string", value: "N", help: "how many, at most 100 (default 20)" },
    cursor: { type: "string", value: "TEXT", help: "where an earlier answer said that it goes on" },
  },
  async run(invocation) {
    const { args, text } = invocation;
    const asked = text("sort");
    const sort = SEARCH_SORTS.find((each) => each === asked);
    if (asked !== undefined && sort === undefined)
      throw new CliError("CLI_USAGE", `expected --sort ${SEARCH_SORTS.join("|")}, found ${quote(asked)}`);
    const limit = text("limit") === undefined ? undefined : Number(text("limit"));
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= 100))
      throw new CliError("CLI_USAGE", `expected --limit from 1 to 100, found ${quote(text("limit"))}`);
    const filters = Object.fromEntries(FILTERS.map((name) => [name, text(name)]).filter(([, value]) => value));
    const cursor = text("cursor");
    return withRegistry(invocation, async ({ url, api }) => {
      const page = await api.search({
        ...(args.length > 0 && { q: args.join(" ") }),
        ...filters,
        ...(sort !== undefined && { sort }),
        ...(limit !== undefined && { limit }),
        ...(cursor !== undefined && { cursor }),
      });
      const { count, isCapped } = page.total;
      const lines = page.items.map(describe);
      const more = page.next === undefined ? [] : [`more: --cursor ${page.next}`];
      const found = `${count}${isCapped ? "+" : ""} found`;
      return { json: { ok: true, registry: url.href, ...page }, text: [...lines, found, ...more].join("\n") };
    });
  },
};

/** Every text of a card comes from a stranger; a line of it must not become a line of ours. */
function describe({ id, version, displayName, description, deprecated, scan }: PluginCard): string {
  const marks = [
    ...(deprecated === undefined ? [] : ["deprecated"]),
    ...(scan === undefined || scan.verdict === "clean" ? [] : [`scan: ${scan.verdict}`]),
  ];
  const suffix = marks.length === 0 ? "" : `  (${marks.join(", ")})`;
  return `${id.padEnd(32)} ${version.padEnd(12)} ${sanitize(displayName, 80)}${suffix}\n    ${sanitize(description, 120)}`;
}
