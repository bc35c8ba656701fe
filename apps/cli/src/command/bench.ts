import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { readPackage } from "@berth/archive";
import { quote, sanitize } from "@berth/base";
import { MANIFEST_FILE, SECURITY_LEVELS, formatBytes, parseManifest } from "@berth/spec";
import type { SecurityLevel } from "@berth/spec";

import { benchAtLevel } from "../bench-plugin.ts";
import type { ActionFigures, Failure, MeasuredAction, MeasuredPackage } from "../bench-plugin.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput } from "../files.ts";
import { packPluginFolder, readPluginFolder } from "../plugin-folder.ts";

const DEFAULT_CALLS = 100;
const MAX_CALLS = 100_000;

/** A folder is packed as it is now; anything else is a package. */
async function readMeasured(path: string): Promise<{ measured: MeasuredPackage; folder: string | undefined }> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) {
    const folder = await readPluginFolder(path);
    const { bytes } = await packPluginFolder(folder);
    return { measured: { manifest: folder.manifest, bytes }, folder: folder.path };
  }
  const bytes = await readInput(path);
  const manifestFile = readPackage(bytes).files.get(MANIFEST_FILE);
  if (manifestFile === undefined) throw new CliError("CLI_FILE_UNREADABLE", `${quote(path)} holds no manifest`);
  return { measured: { manifest: parseManifest(manifestFile.bytes), bytes }, folder: undefined };
}

/** `--action` with `--input`, else the files ACTION.json of the folder's `inputs`. */
async function readActions(
  { text }: Invocation,
  { manifest }: MeasuredPackage,
  folder: string | undefined,
): Promise<{ actions: MeasuredAction[]; withoutInput: string[] }> {
  const names = Object.keys(manifest.contributes.actions);
  const action = text("action");
  const input = text("input");
  if (action !== undefined) {
    if (!names.includes(action))
      throw new CliError("CLI_USAGE", `${manifest.id} has no action ${quote(action)}; it has ${names.join(", ")}`);
    const bytes = input === undefined ? new TextEncoder().encode("{}") : await readInput(input);
    return { actions: [{ action, input: bytes }], withoutInput: [] };
  }
  if (input !== undefined) throw new CliError("CLI_USAGE", "--input needs --action");
  const actions: MeasuredAction[] = [];
  const withoutInput: string[] = [];
  for (const name of names) {
    const bytes = folder === undefined ? undefined : await tryRead(join(folder, "inputs", `${name}.json`));
    if (bytes === undefined) withoutInput.push(name);
    else actions.push({ action: name, input: bytes });
  }
  if (actions.length === 0)
    throw new CliError("CLI_USAGE", "nothing to call: no action has an input", {
      hint: `name one with --action and --input, or put files such as inputs/${names[0] ?? "ACTION"}.json beside the manifest`,
    });
  return { actions, withoutInput };
}

async function tryRead(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(path)} cannot be read`, { cause: error });
  }
}

function readCalls(text: string | undefined): number {
  const calls = Number(text ?? DEFAULT_CALLS);
  if (!Number.isInteger(calls) || calls < 1 || calls > MAX_CALLS)
    throw new CliError(
      "CLI_USAGE",
      `expected --calls to be a number from 1 to ${MAX_CALLS}; found ${quote(text ?? "")}`,
    );
  return calls;
}

/** Levels at which an action answered other than at the lowest that was measured. */
function differencesOf(rows: readonly ActionFigures[]): { action: string; levels: SecurityLevel[]; varies: boolean }[] {
  return [...new Set(rows.map(({ action }) => action))].flatMap((action) => {
    const own = rows.filter((row) => row.action === action);
    const varies = own.some((row) => row.varies);
    const levels = own.filter(({ output }) => output !== own[0]?.output).map(({ level }) => level);
    return levels.length === 0 && !varies ? [] : [{ action, levels, varies }];
  });
}

const isFigures = (result: ActionFigures | Failure): result is ActionFigures => "medianMs" in result;
const isFailure = (result: ActionFigures | Failure): result is Failure => !isFigures(result);

/** An answer may be 16 MiB: what is told of it is whether levels differ. */
function withoutOutput(row: ActionFigures): Omit<ActionFigures, "output"> {
  const { output, ...figures } = row;
  void output;
  return figures;
}

function formatTable(rows: readonly ActionFigures[]): string[] {
  const cells = rows.map(({ action, level, coldMs, medianMs, p99Ms, residentBytes }) => [
    action,
    level,
    coldMs.toFixed(1),
    medianMs.toFixed(3),
    p99Ms.toFixed(3),
    residentBytes === null ? "unknown" : formatBytes(residentBytes),
  ]);
  const table = [["action", "level", "cold ms", "median ms", "p99 ms", "memory"], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

export const command: Command = {
  summary: "measure a plugin's actions at every level that this machine has",
  usage: "DIR|FILE [--action NAME [--input FILE|-]] [--calls N]",
  options: {
    action: {
      type: "string",
      value: "NAME",
      help: "this action only; left out: each that has inputs/NAME.json in DIR",
    },
    input: { type: "string", value: "FILE", help: "JSON for the action; - reads standard input; left out means {}" },
    calls: {
      type: "string",
      value: "N",
      help: `calls after the first, for each action and level (else ${DEFAULT_CALLS})`,
    },
  },
  async run(invocation) {
    const calls = readCalls(invocation.text("calls"));
    const { measured, folder } = await readMeasured(onlyArgument(invocation.args, "a plugin's folder or package"));
    const { actions, withoutInput } = await readActions(invocation, measured, folder);
    const levels = SECURITY_LEVELS.slice(SECURITY_LEVELS.indexOf(measured.manifest.level));
    const results: (ActionFigures | Failure)[] = [];
    for (const level of levels) {
      invocation.terminal.say(`measuring at ${level}`);
      results.push(...(await benchAtLevel(measured, actions, level, calls)));
    }
    const rows = results.filter(isFigures);
    const failures = results.filter(isFailure);
    const differences = differencesOf(rows);
    return {
      json: {
        ok: true,
        id: measured.manifest.id,
        version: measured.manifest.version,
        rows: rows.map(withoutOutput),
        differences,
        failures,
        withoutInput,
      },
      text: [
        ...formatTable(rows),
        "",
        ...differences.map(({ action, levels: others, varies }) =>
          varies
            ? `${action}: answers differ from call to call, so levels cannot be compared`
            : `${action}: answers otherwise at ${others.join(", ")} than at ${rows[0]?.level}`,
        ),
        ...(differences.length === 0 && rows.length > 0 ? ["every level gave the same answers"] : []),
        ...failures.map(({ action, level, code, message, hint }) =>
          sanitize(`${action} at ${level}: ${code}: ${message}${hint === undefined ? "" : ` (${hint})`}`, 400),
        ),
        ...(withoutInput.length === 0 ? [] : [`not called, without an input: ${withoutInput.join(", ")}`]),
      ].join("\n"),
      ...(rows.length === 0 && { exitCode: 3 }),
    };
  },
};
