import { CAPABILITIES, CATEGORIES, PRICING_MODELS, SECURITY_LEVELS } from "@berth/spec";
import type { PluginCard, SearchPage } from "@berth/spec";

import type { Filters } from "./match-expression.ts";

/**
 * What facets count, of one plugin in one whole number, so that counting a thousand matches touches
 * nothing but an array: one bit for each category and capability, level and pricing as numbers.
 */
const CAPABILITY_SHIFT = CATEGORIES.length;
const LEVEL_SHIFT = CAPABILITY_SHIFT + CAPABILITIES.length;
const PRICING_SHIFT = LEVEL_SHIFT + 2;

type Facets = SearchPage["facets"];

/** Packs a card's facets. */
export function packFacets({ categories, capabilities, level, pricing }: PluginCard): number {
  let bits = 0;
  for (const category of categories) bits |= 1 << CATEGORIES.indexOf(category);
  for (const capability of capabilities) bits |= 1 << (CAPABILITY_SHIFT + CAPABILITIES.indexOf(capability));
  bits |= SECURITY_LEVELS.indexOf(level) << LEVEL_SHIFT;
  return bits | (PRICING_MODELS.indexOf(pricing.model) << PRICING_SHIFT);
}

/** The filters that facets can decide, as a test of packed facets. */
export function facetTest({ category, capability, level, pricing }: Filters): (packed: number) => boolean {
  const bitsOf = (names: readonly string[], wanted: readonly string[], shift: number): number =>
    wanted.reduce((bits, name) => bits | (1 << (shift + names.indexOf(name))), 0);
  const categories = bitsOf(CATEGORIES, category, 0);
  const capabilities = bitsOf(CAPABILITIES, capability, CAPABILITY_SHIFT);
  const levels = bitsOf(SECURITY_LEVELS, level, 0);
  const models = bitsOf(PRICING_MODELS, pricing, 0);
  return (packed) =>
    (categories === 0 || (packed & categories) !== 0) &&
    (capabilities === 0 || (packed & capabilities) !== 0) &&
    (levels === 0 || ((levels >>> ((packed >>> LEVEL_SHIFT) & 3)) & 1) === 1) &&
    (models === 0 || ((models >>> ((packed >>> PRICING_SHIFT) & 7)) & 1) === 1);
}

/** Counts by value; values that no match has are left out. */
export function countFacets(packed: Iterable<number>): Facets {
  const category = new Uint32Array(CATEGORIES.length);
  const capability = new Uint32Array(CAPABILITIES.length);
  const level = new Uint32Array(SECURITY_LEVELS.length);
  const pricing = new Uint32Array(PRICING_MODELS.length);
  for (const bits of packed) {
    for (let at = 0; at < category.length; at += 1) category[at]! += (bits >>> at) & 1;
    for (let at = 0; at < capability.length; at += 1) capability[at]! += (bits >>> (CAPABILITY_SHIFT + at)) & 1;
    level[(bits >>> LEVEL_SHIFT) & 3]! += 1;
    pricing[(bits >>> PRICING_SHIFT) & 7]! += 1;
  }
  return {
    category: named(CATEGORIES, category),
    capability: named(CAPABILITIES, capability),
    level: named(SECURITY_LEVELS, level),
    pricing: named(PRICING_MODELS, pricing),
  };
}

const named = (names: readonly string[], counts: Uint32Array): Record<string, number> =>
  Object.fromEntries(names.map((name, at) => [name, counts[at] ?? 0] as const).filter(([, count]) => count > 0));
