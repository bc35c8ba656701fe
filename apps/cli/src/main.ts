import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { exitCodeOf, nearMiss, quote, reportOf } from "@berth/base";

import type { Command, Invocation, OptionSpec, Outcome } from "./command.ts";
import { errorLines, indented } from "./error-lines.ts";
import { CliError } from "./errors.ts";
import { formatJson, openTerminal, printable } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Every command and the file it lives in; nothing else is loaded before it is known which one runs. */
const commands: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  create: () => import("./command/create.ts"),
  types: () => import("./command/types.ts"),
  dev: () => import("./command/dev.ts"),
  lint: () => import("./command/lint.ts"),
  pack: () => import("./command/pack.ts"),
  sign: () => import("./command/sign.ts"),
  verify: () => import("./command/verify.ts"),
  publish: () => import("./command/publish.ts"),
  search: () => import("./command/search.ts"),
  show: () => import("./command/show.ts"),
  discover: () => import("./command/discover.ts"),
  install: () => import("./command/install.ts"),
  run: () => import("./command/run.ts"),
  bench: () => import("./command/bench.ts"),
  list: () => import("./command/list.ts"),
  enable: () => import("./command/enable.ts"),
  disable: () => import("./command/disable.ts"),
  load: () => import("./command/load.ts"),
  unload: () => import("./command/unload.ts"),
  schedules: () => import("./command/schedules.ts"),
  permissions: () => import("./command/permissions.ts"),
  secrets: () => import("./command/secrets.ts"),
  config: () => import("./command/config.ts"),
  stats: () => import("./command/stats.ts"),
  journal: () => import("./command/journal.ts"),
  uninstall: () => import("./command/uninstall.ts"),
  why: () => import("./command/why.ts"),
  tree: () => import("./command/tree.ts"),
  outdated: () => import("./command/outdated.ts"),
  lock: () => import("./command/lock.ts"),
  yank: () => import("./command/yank.ts"),
  deprecate: () => import("./command/deprecate.ts"),
  host: () => import("./command/host.ts"),
  registry: () => import("./command/registry.ts"),
  keys: () => import("./command/keys.ts"),
  scan: () => import("./command/scan.ts"),
  resolve: () => import("./command/resolve.ts"),
  archive: () => import("./command/archive.ts"),
  doctor: () => import("./command/doctor.ts"),
};

const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", help: "print exactly one JSON document on standard output" },
  "data-dir": {
    type: "string",
    value: "DIR",
    help: "where Berth keeps its state (else BERTH_DATA_DIR, else ./.berth)",
  },
  help: { type: "boolean", help: "show how the command is called" },
};

async function overview(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(10)} ${(await load()).command.summary}`),
  );
  return [
    "berth: run other people's code inside your product, safely",
    "",
    "Usage: berth COMMAND …",
    "",
    ...rows,
    "",
    "berth help COMMAND shows how a command is called.",
  ].join("\n");
}

function helpOf(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([option, { value, help }]) => {
    const form = `--${option}${value === undefined ? "" : ` ${value}`}`;
    return `  ${form.padEnd(22)} ${help}`;
  });
  return [`Usage: berth ${name} ${command.usage}`, "", command.summary, "", "Options:", ...options].join("\n");
}

async function loadCommand(name: string): Promise<Command> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load !== undefined) return (await load()).command;
  const near = nearMiss(name, Object.keys(commands));
  throw new CliError("CLI_USAGE", `there is no command ${quote(name)}`, {
    hint: near === undefined ? "berth help lists the commands." : `Did you mean "berth ${near}"?`,
  });
}

function readInvocation(command: Command, args: readonly string[]): Invocation {
  const specs = { ...command.options, ...COMMON };
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { type, multiple }]) => [name, { type, multiple: multiple === true }]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CliError("CLI_USAGE", error instanceof Error ? error.message : "the arguments cannot be read");
  }
  const { values, positionals } = parsed;
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === "string" ? value : undefined;
  };
  return {
    args: positionals,
    text,
    list: (option) => {
      const value = values[option];
      return Array.isArray(value) ? value.map(String) : [];
    },
    isSet: (option) => values[option] === true,
    dataDir: dataDirOf(text("data-dir"), process.env["BERTH_DATA_DIR"]),
    terminal: openTerminal(),
  };
}

/** An unset shell variable must not turn the current folder into a data directory. */
function dataDirOf(option: string | undefined, variable: string | undefined): string {
  if (option === "") throw new CliError("CLI_USAGE", "expected a folder after --data-dir, found nothing");
  return resolve(option ?? (variable === undefined || variable === "" ? ".berth" : variable));
}

async function execute(args: readonly string[]): Promise<Outcome> {
  const [name = "help", ...rest] = args;
  if (name === "--version" || name === "-v" || name === "version")
    return { json: { ok: true, version: VERSION }, text: `berth ${VERSION}` };
  if (name === "help" || name === "--help" || name === "-h") {
    const about = rest.find((arg) => !arg.startsWith("-"));
    const text = about === undefined ? await overview() : helpOf(about, await loadCommand(about));
    return { json: { ok: true, help: text }, text };
  }
  const command = await loadCommand(name);
  const invocation = readInvocation(command, rest);
  if (invocation.isSet("help")) {
    const text = helpOf(name, command);
    return { json: { ok: true, help: text }, text };
  }
  return command.run(invocation);
}

function printError(error: unknown, isJson: boolean): void {
  const report = reportOf(error);
  if (isJson) {
    process.stdout.write(`${formatJson({ ok: false, error: report })}\n`);
    return;
  }
  const lines = errorLines(report);
  // For anything that is not a refusal of ours, the stack is what the reader needs to report it.
  if (report.code === "INTERNAL" && error instanceof Error) lines.push(error.stack ?? "");
  process.stderr.write(`${printable(indented(lines))}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  const isJson = args.includes("--json");
  try {
    const { json, text, exitCode = 0, keepRunning } = await execute(args);
    process.stdout.write(isJson ? `${formatJson(json)}\n` : text === "" ? "" : `${printable(text)}\n`);
    process.exitCode = exitCode;
    await keepRunning?.();
  } catch (error) {
    printError(error, isJson);
    process.exitCode = exitCodeOf(error);
  }
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that closes early, such as `head`, is not an error.
  if (error.code === "EPIPE") process.exit();
  const unwritable = new CliError(
    "CLI_FILE_UNWRITABLE",
    `the answer could not be written (${error.code ?? "unknown"})`,
  );
  printError(unwritable, false);
  process.exit(exitCodeOf(unwritable));
});
// When nobody reads the messages, the command goes on without them.
process.stderr.on("error", () => undefined);

await main(process.argv.slice(2));
