import { join, resolve } from "node:path";

import { sanitize } from "@berth/base";
import { MANIFEST_FILE, editPermissions } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

import { CliError } from "./errors.ts";
import { rewriteFile } from "./files.ts";
import { askedKeys, isSameSet, joinRuns, keyOf } from "./joined-runs.ts";
import { readPluginFolder } from "./plugin-folder.ts";
import type { Runs } from "./runs.ts";

/** What became of an author's manifest. */
export interface WrittenSuggestion {
  /** Those of the folder's manifest, with what the other ones add. */
  readonly runs: Runs;
  /** Absolute. */
  readonly file: string;
  /** False: it asked for exactly that already, and was not touched. */
  readonly isChanged: boolean;
  readonly narrowed: readonly { readonly from: PermissionRequest; readonly to: PermissionRequest }[];
  readonly removed: readonly PermissionRequest[];
}

/** Differences that are told. */
const MAX_SHOWN = 5;

/**
 * Puts what real runs suggest into the manifest of an author's folder. Reasons stay as the folder words them, and so
 * does everything else of the file.
 *
 * @param known what each journal knows of the plugin, at least one: those count that are of what the folder asks for,
 *   and of the others what lies within it
 * @throws CliError CLI_MANIFEST_DIFFERS, CLI_RUNS_INCOMPLETE, CLI_FILE_UNREADABLE, CLI_FILE_UNWRITABLE; SpecError.
 *   Nothing is written then.
 */
export async function writeSuggestion(given: string, known: readonly [Runs, ...Runs[]]): Promise<WrittenSuggestion> {
  const { id } = known[0];
  const file = join(resolve(given), MANIFEST_FILE);
  const { manifest, manifestBytes } = await readPluginFolder(given);
  if (manifest.id !== id)
    throw new CliError("CLI_MANIFEST_DIFFERS", `${sanitize(file)} is the manifest of ${manifest.id}, not of ${id}`);
  const keys = manifest.permissions.map(keyOf);
  const joined = known.map((runs) => joinRuns(runs, known));
  const already = joined.find(({ suggestion }) => isSameSet(keys, suggestion.permissions.map(keyOf)));
  if (already !== undefined) return { runs: already, file, isChanged: false, narrowed: [], removed: [] };
  const runs = joined.find((each) => isSameSet(keys, askedKeys(each)));
  if (runs === undefined) throw differs(file, keys, known[0]);
  refuseIncomplete(runs);

  const left = [...runs.suggestion.requests];
  const answers = manifest.permissions.map((from) => {
    const at = left.findIndex(({ declared }) => keyOf(declared) === keyOf(from));
    const [{ suggested } = {}] = left.splice(at, 1);
    return { from, to: suggested && { ...suggested, reason: from.reason } };
  });
  const edited = editPermissions(
    manifestBytes,
    answers.map(({ to }) => to),
  );
  await rewriteFile(file, manifestBytes, edited);
  return {
    runs,
    file,
    isChanged: true,
    narrowed: answers.flatMap(({ from, to }) => (to === undefined || keyOf(from) === keyOf(to) ? [] : [{ from, to }])),
    removed: answers.filter(({ to }) => to === undefined).map(({ from }) => from),
  };
}

/** A manifest that was edited since asks for things of which the runs know nothing. */
function differs(file: string, there: readonly string[], runs: Runs): CliError {
  const { id, version } = runs;
  const ran = askedKeys(runs);
  const added = without(there, ran);
  const missing = without(ran, there);
  const lines = (what: string, keys: readonly string[]): string[] => [
    ...keys.slice(0, MAX_SHOWN).map((key) => `${what}: ${sanitize(key, 300)}`),
    ...(keys.length > MAX_SHOWN ? [`… and ${keys.length - MAX_SHOWN} more`] : []),
  ];
  return new CliError(
    "CLI_MANIFEST_DIFFERS",
    [
      `${sanitize(file)} does not ask for what ${id} ${version} asks for, whose runs the journal tells of`,
      ...lines("only the file asks for", added),
      ...lines(`only ${version} asks for`, missing),
    ].join("\n"),
    {
      hint: "Let the folder work as it is, with berth dev or as a new release, and ask again.",
      details: { added: added.slice(0, MAX_SHOWN), missing: missing.slice(0, MAX_SHOWN) },
    },
  );
}

/** The items that are not among others, each as often as it is more. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return items.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

function refuseIncomplete({ id, suggestion: { uses, isComplete } }: Runs): void {
  if (uses === 0)
    throw new CliError("CLI_RUNS_INCOMPLETE", `${id} used no permission so far: nothing says which it needs`);
  if (!isComplete)
    throw new CliError(
      "CLI_RUNS_INCOMPLETE",
      `the journal did not keep all that ${id} used: what it suggests may be too narrow`,
    );
}
