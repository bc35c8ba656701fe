import assert from "node:assert/strict";

import { searchPageSchema } from "@berth/spec";
import type { PluginCard, SearchPage } from "@berth/spec";

import { eventually } from "./fixture.ts";
import type { TestRegistry } from "./fixture.ts";
import { testOnEveryStore } from "./stores.ts";

interface Described {
  readonly displayName?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly categories?: readonly string[];
  readonly level?: string;
  readonly pricing?: object;
}

/** Publishes plugins, each described in a few words. */
async function fill(registry: TestRegistry, plugins: Readonly<Record<string, Described>>): Promise<string> {
  const token = await registry.addPublisher("acme");
  for (const [name, manifest] of Object.entries(plugins)) {
    const { status, body } = await registry.publish({
      token,
      id: `acme.${name}`,
      manifest: { displayName: name, description: "Something.", ...manifest },
    });
    assert.equal(status, 201, JSON.stringify(body));
  }
  return token;
}

async function find(registry: TestRegistry, query: string): Promise<SearchPage> {
  const { status, body } = await registry.ask(`api/v1/plugins?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return searchPageSchema.parse(body);
}

const names = ({ items }: { items: readonly PluginCard[] }): string[] =>
  items.map(({ id }) => id.slice("acme.".length));

testOnEveryStore("finds the exact name first, then names, tags, texts and beginnings of words", async (registry) => {
  await fill(registry, {
    "text-mentions": { description: "Turns a table into a chart." },
    tagged: { tags: ["chart"] },
    "bar-chart": {},
    chart: {},
    chartist: {},
    unrelated: {},
  });
  const page = await find(registry, "q=chart");
  assert.deepEqual(names(page), ["chart", "bar-chart", "tagged", "text-mentions", "chartist"]);
  assert.deepEqual(page.total, { count: 5, isCapped: false });
  assert.deepEqual(names(await find(registry, "q=TABLE%20Chart")), ["text-mentions"]);
  assert.deepEqual(names(await find(registry, "q=acme.chart")).slice(0, 1), ["chart"]);
  assert.deepEqual(names(await find(registry, "q=nothing-here")), []);
});

testOnEveryStore("filters are part of the match, and facets count what matches", async (registry) => {
  await fill(registry, {
    one: { categories: ["utilities"], tags: ["ab-cd"] },
    two: { categories: ["analytics", "utilities"], level: "strict" },
    three: {
      categories: ["analytics"],
      pricing: { model: "one-time", price: { amountMinor: 900, currency: "EUR" } },
    },
    four: { pricing: { model: "one-time", price: { amountMinor: 300, currency: "EUR" } }, tags: ["ab"] },
  });
  const all = await find(registry, "");
  assert.equal(all.total.count, 4);
  assert.deepEqual(all.facets, {
    category: { utilities: 3, analytics: 2 },
    capability: { data_processing: 4 },
    level: { standard: 3, strict: 1 },
    pricing: { free: 2, "one-time": 2 },
  });
  assert.deepEqual(names(await find(registry, "category=analytics")).toSorted(), ["three", "two"]);
  assert.deepEqual(names(await find(registry, "category=analytics&level=strict,isolated")), ["two"]);
  assert.deepEqual(names(await find(registry, "tag=ab-cd")), ["one"]);
  assert.deepEqual(names(await find(registry, "tag=ab&capability=data_processing&pricing=one-time")), ["four"]);
  assert.deepEqual(names(await find(registry, "q=something&pricing=one-time&sort=price")), ["four", "three"]);
  assert.deepEqual(names(await find(registry, "sort=price")).slice(2), ["four", "three"]);
  assert.equal((await registry.ask("api/v1/plugins?category=nonsense")).body.code, "HTTP_REQUEST_INVALID");
});

testOnEveryStore("pages follow each other without a gap or a repetition, in every order", async (registry) => {
  const numbers = Array.from({ length: 23 }, (_, at) => `plugin-x${at}`);
  const plugins = numbers.map((name, at): [string, Described] => [
    name,
    at % 3 === 0 ? { tags: ["word"] } : at % 3 === 1 ? { description: "A word." } : { displayName: "Word" },
  ]);
  await fill(registry, Object.fromEntries(plugins));
  for (const query of ["q=word", "", "sort=updated", "q=word&sort=updated", "sort=price", "q=word&sort=downloads"]) {
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 10; page += 1) {
      const found = await find(registry, `${query}&limit=5${cursor}`);
      seen.push(...names(found));
      if (found.next === undefined) break;
      cursor = `&cursor=${found.next}`;
    }
    assert.equal(seen.length, 23, query);
    assert.deepEqual(seen.toSorted(), numbers.toSorted(), query);
  }
  const { next } = await find(registry, "q=word&limit=5");
  assert.equal((await registry.ask(`api/v1/plugins?q=other&cursor=${next}`)).body.code, "HTTP_CURSOR_INVALID");
  assert.equal((await registry.ask("api/v1/plugins?cursor=AAAA")).body.code, "HTTP_CURSOR_INVALID");
});

testOnEveryStore("the most downloaded come first once downloads are counted", async (registry) => {
  await fill(registry, { "less-used": {}, "more-used": {} });
  for (let at = 0; at < 3; at += 1) await registry.ask("packages/acme/more-used/acme.more-used-1.0.0.berth");
  await eventually(async () => (await find(registry, "q=more")).items[0]?.downloads === 3);
  const page = await find(registry, "q=used");
  assert.deepEqual(names(page), ["more-used", "less-used"]);
  assert.equal(page.items[0]?.downloads, 3);
  assert.equal((await registry.ask("api/v1/plugins/acme.more-used")).body.downloads, 3);
  assert.deepEqual(names(await find(registry, "sort=downloads")), ["more-used", "less-used"]);
});
