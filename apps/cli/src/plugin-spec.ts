import { quote } from "@berth/base";
import { isRange, parsePluginId, parseVersion, tryParsePluginId } from "@berth/spec";

import { CliError } from "./errors.ts";

/** A plugin as it is asked for on the command line: `acme.charts` or `acme.charts@^1.2`. */
export interface PluginSpec {
  readonly id: string;
  /** `*` when none was given. */
  readonly range: string;
}

/**
 * `undefined` for what is no plugin id, such as the path of a file. `words.berth` could be either: it is a
 * file, as that is how packages end; the plugin of that name is asked for as `words.berth@*`.
 *
 * @throws CliError CLI_USAGE for a bad range
 */
export function tryParsePluginSpec(text: string): PluginSpec | undefined {
  const { id, rest } = split(text);
  if (text.endsWith(".berth") || tryParsePluginId(id) === undefined) return undefined;
  if (rest !== undefined && (rest === "" || !isRange(rest)))
    throw new CliError("CLI_USAGE", `expected a version range after @, found ${quote(rest)}`);
  return { id, range: rest ?? "*" };
}

/** `ID@VERSION`. @throws SpecError; CliError CLI_USAGE */
export function parseReleaseName(text: string): { readonly id: string; readonly version: string } {
  const { id, version } = parsePluginName(text);
  if (version === undefined) throw new CliError("CLI_USAGE", `expected ID@VERSION, found ${quote(text)}`);
  return { id, version };
}

/** `ID` or `ID@VERSION`. @throws SpecError */
export function parsePluginName(text: string): { readonly id: string; readonly version: string | undefined } {
  const { id, rest } = split(text);
  parsePluginId(id);
  return { id, version: rest === undefined ? undefined : parseVersion(rest) };
}

function split(text: string): { id: string; rest: string | undefined } {
  const at = text.indexOf("@");
  return at === -1 ? { id: text, rest: undefined } : { id: text.slice(0, at), rest: text.slice(at + 1) };
}
