import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { PluginCard } from "@berth/spec";

import { runSearch } from "../src/search/run-search.ts";
import { SearchDatabase } from "../src/search/search-database.ts";
import { searchRequestOf } from "../src/search/search-request.ts";

const COUNT = 4_000;

/** Many plugins with one common word, so that every way of dividing matches comes into play. */
function cardOf(at: number): PluginCard {
  return {
    id: `acme.plugin-${String(at)
      .padStart(4, "0")
      .replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "")}`,
    displayName: at % 50 === 0 ? "Common name" : "Another",
    description: at % 7 === 0 ? "Rarely common words." : "A common description.",
    version: "1.0.0",
    publishedAt: new Date(1_700_000_000_000 + at * 60_000).toISOString(),
    level: at % 3 === 0 ? "strict" : "standard",
    license: "MIT",
    categories: [at % 2 === 0 ? "utilities" : "analytics"],
    tags: at % 40 === 1 ? ["common"] : [],
    capabilities: ["data_processing"],
    permissions: [],
    pricing: { model: "free" },
    downloads: (at * 7_919) % 10_007,
  };
}

test("pages of many matches follow each other in tiers and by use, whichever way they are divided", () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-search-"));
  const db = SearchDatabase.open(join(folder, "search.sqlite"));
  try {
    const cards = Array.from({ length: COUNT }, (_, at) => cardOf(at));
    db.put(cards);
    const tierOf = ({ displayName, tags }: PluginCard): number =>
      displayName.startsWith("Common") ? 0 : tags.length > 0 ? 1 : 2;
    for (const query of [
      { q: "common" },
      { q: "common", category: "utilities", level: "strict" },
      { q: "rarely common" },
      { q: "rarely common", level: "strict" },
      { q: "comm" },
    ]) {
      const request = searchRequestOf({ sort: "relevance", limit: 100, ...query });
      const found: PluginCard[] = [];
      let position = { tier: 0, after: 0 };
      for (;;) {
        const page = runSearch(db, request, position);
        found.push(...page.cards.map((card) => JSON.parse(card) as PluginCard));
        if (page.next === undefined) break;
        position = page.next;
      }
      const expected = cards.filter(
        (card) =>
          (!query.q.includes("rarely") || card.description.startsWith("Rarely")) &&
          (query.category === undefined || card.categories.includes("utilities")) &&
          (query.level === undefined || card.level === "strict"),
      );
      assert.deepEqual(found.map(({ id }) => id).toSorted(), expected.map(({ id }) => id).toSorted(), query.q);
      if (query.q === "comm" || query.q.includes("rarely")) continue;
      const order = found.map((card) => [tierOf(card), -card.downloads] as const);
      const sorted = order.toSorted(([a, x], [b, y]) => a - b || x - y);
      assert.deepEqual(
        order.map(([tier]) => tier),
        sorted.map(([tier]) => tier),
        JSON.stringify(query),
      );
      const { total } = runSearch(db, request, { tier: 0, after: 0 });
      assert.deepEqual(total, { count: Math.min(1_000, expected.length), isCapped: expected.length > 1_000 });
    }
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
});
