import { quote } from "@berth/base";

import { SpecError } from "./errors.ts";

/** One half of a plugin id, as a regular expression source. Also the form of a publisher's name. */
export const ID_PART_PATTERN = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*";

const ID_PART = new RegExp(`^${ID_PART_PATTERN}$`);
const MIN_PART_LENGTH = 2;
const MAX_PART_LENGTH = 64;

/** A plugin id taken apart: `acme.csv-tools` is plugin `csv-tools` of publisher `acme`. */
export interface PluginId {
  readonly publisher: string;
  readonly name: string;
}

/** Whether `text` may name a publisher, or a plugin within its publisher. */
export function isIdPart(text: string): boolean {
  return text.length >= MIN_PART_LENGTH && text.length <= MAX_PART_LENGTH && ID_PART.test(text);
}

/**
 * Takes a plugin id `publisher.name` apart.
 *
 * @throws SpecError SPEC_PLUGIN_ID_INVALID
 */
export function parsePluginId(text: string): PluginId {
  const parsed = tryParsePluginId(text);
  if (parsed !== undefined) return parsed;
  const lowered = text.toLowerCase();
  throw new SpecError("SPEC_PLUGIN_ID_INVALID", `Expected a plugin id like "acme.csv-tools", found ${quote(text)}`, {
    ...(lowered !== text && tryParsePluginId(lowered) && { hint: `Ids are lower-case: ${quote(lowered)}` }),
  });
}

/** Like `parsePluginId`, with `undefined` for anything that is not a plugin id. */
export function tryParsePluginId(text: string): PluginId | undefined {
  if (text.length > 2 * MAX_PART_LENGTH + 1) return undefined;
  const dot = text.indexOf(".");
  const publisher = text.slice(0, Math.max(dot, 0));
  const name = text.slice(dot + 1);
  return isIdPart(publisher) && isIdPart(name) ? { publisher, name } : undefined;
}

/** The publisher of a valid plugin id. */
export function publisherOf(pluginId: string): string {
  return parsePluginId(pluginId).publisher;
}

/** The file name of a release's package: `acme.csv-tools-1.2.3.berth`. */
export function packageFileName(pluginId: string, version: string): string {
  return `${pluginId}-${version}.berth`;
}
