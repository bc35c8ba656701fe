// npm start: a registry and a host on this machine, the example plugins published, one installed and run on a real
// table, by the same commands that a reader would type. Both go on running until Ctrl-C.
//
//   npm start [-- --fresh] [-- --once]
//
// State lies in .berth/start and is used again by the next start; --fresh clears it. --once ends after the tour.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";

import { rowsFromCsv } from "./rows-from-csv.mjs";
import { Service, cliArguments } from "./start/service.ts";
import { root } from "./workspace.ts";

const EXAMPLES = [
  "data-processor",
  "table-converter",
  "markdown-document",
  "calendar",
  "glossary-translator",
  "agent-skill",
];
const { values: options } = parseArgs({ options: { fresh: { type: "boolean" }, once: { type: "boolean" } } });

// As bin/berth has it.
process.env["NODE_COMPILE_CACHE"] ??= join(root, ".toolchain", "compile-cache");
const dataDir = join(root, ".berth", "start");
const packages = join(dataDir, "made-packages");
const publisherToken = join(dataDir, "publisher.token");
const shown = (path: string): string => relative(root, path);
const say = (line = ""): void => void process.stdout.write(`${line}\n`);

interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the CLI on the state of this tour. */
function ask(...args: string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, cliArguments([...args, "--data-dir", dataDir]), {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1_048_576,
  });
  return { status: status ?? 70, stdout, stderr };
}

/** Runs a command that must succeed, and shows it with its answer. */
function berth(...args: string[]): string {
  say(`\n  $ berth ${args.map((arg) => (arg.startsWith(root) ? shown(arg) : arg)).join(" ")}`);
  const { status, stdout, stderr } = ask(...args);
  for (const line of `${stderr}${stdout}`.trimEnd().split("\n")) say(`    ${line}`);
  if (status !== 0) throw new TourError(`That command ended with ${status}; the tour stops here.`);
  return stdout;
}

/** The one JSON document of a command that must succeed. */
function json(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = ask(...args, "--json");
  if (status !== 0) throw new TourError(`berth ${args.join(" ")} ended with ${status}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

class TourError extends Error {}

/** The registry keeps its port from start to start: the host knows it by its address. */
async function registryPort(): Promise<string> {
  const file = join(dataDir, "registry-port");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(file, `${port}\n`);
  return String(port);
}

/** Packs and signs an example, unless the package of an earlier start still holds the same content. */
function makePackage(name: string): string {
  const file = join(packages, `${name}.berth`);
  const fresh = join(packages, `${name}.new`);
  const { contentDigest } = json("pack", join(root, "examples", name), "--out", fresh);
  if (existsSync(file) && json("verify", file)["contentDigest"] === contentDigest) {
    rmSync(fresh);
    return file;
  }
  rmSync(file, { force: true });
  json("pack", join(root, "examples", name), "--out", file);
  rmSync(fresh);
  json("sign", file);
  return file;
}

function publishExamples(registry: Service): void {
  say("\n1. An author makes a key, claims a name at the registry, and publishes six plugins.");
  if (!existsSync(join(dataDir, "keys", "publisher.key"))) berth("keys", "create", "--no-passphrase");
  if (!existsSync(publisherToken)) {
    const operatorToken = join(dataDir, "operator.token");
    const { operatorToken: token } = registry.said;
    if (token !== undefined) writeFileSync(operatorToken, `${String(token)}\n`, { mode: 0o600 });
    berth("registry", "claim", "berth", "--token-file", operatorToken, "--save-token", publisherToken);
    rmSync(operatorToken);
  }
  for (const name of EXAMPLES) {
    const file = makePackage(name);
    const [first = ""] = berth("publish", file, "--token-file", publisherToken).split("\n");
    if (first === "") throw new TourError(`publishing ${name} said nothing`);
  }
}

function installOne(): void {
  say("\n2. A user finds one, reads what it asks for, and installs it. This one asks for nothing.");
  berth("search", "tables");
  const { keyId } = json("keys", "show");
  const { plugins } = json("list") as { plugins: { id: string }[] };
  say("   At a terminal `berth install` asks you. Here the answer is given on the command line:");
  if (plugins.some(({ id }) => id === "berth.data-processor")) say("   (installed by an earlier start)");
  else berth("install", "berth.data-processor", "--yes", "--trust", String(keyId));
}

function runOnWeather(): void {
  const table = join(root, "examples/data-processor/node_modules/vega-datasets/data/seattle-weather.csv");
  const rows = rowsFromCsv(readFileSync(table, "utf8"));
  const input = join(dataDir, "weather.json");
  say(`\n3. It runs on ${rows.length} days of weather in Seattle, in a process that can be killed at any moment.`);
  const measures = [
    { op: "count", as: "days" },
    { op: "mean", column: "temp_max" },
    { op: "max", column: "wind" },
  ];
  writeFileSync(input, JSON.stringify({ rows, groupBy: ["weather"], measures }));
  berth("run", "berth.data-processor", "aggregate", "--input", input);
  say("\n4. Everything that happened is in the journal.");
  berth("journal");
}

/** Resolves at the first Ctrl-C or request to end. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
}

async function main(): Promise<number> {
  const stopped = untilStopped();
  if (options.fresh === true) rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(packages, { recursive: true, mode: 0o700 });
  const isFirst = !existsSync(publisherToken);
  say("Berth runs other people's code inside your product, safely. Here is its main job, on this machine alone.");
  say(`State: ${shown(dataDir)} ${isFirst ? "(new)" : "(from an earlier start; `npm start -- --fresh` clears it)"}`);
  const services: Service[] = [];
  try {
    const registry = await Service.start("registry", dataDir, ["--port", await registryPort()]);
    services.push(registry);
    if (isFirst) json("registry", "add", "local", registry.url);
    const host = await Service.start("host", dataDir, []);
    services.push(host);
    say(`The registry answers at ${registry.url}, the host at ${host.url}.`);
    publishExamples(registry);
    installOne();
    runOnWeather();
    say(`\nThe catalogue is at ${registry.url}. To write a plugin of your own: ./bin/berth create my-plugin`);
    if (options.once === true) return 0;
    say("Registry and host go on running; Ctrl-C ends both.");
    const lost = await Promise.race([stopped, ...services.map((service) => service.ended)]);
    if (lost !== undefined) throw new TourError(lost);
    return 0;
  } catch (error) {
    if (!(error instanceof TourError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    return 1;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    say("\nStopped; nothing is left running.");
  }
}

process.exitCode = await main();
