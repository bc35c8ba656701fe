// Where Node 24 and pnpm come from: the machine's own, else fetched once into .toolchain/.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { SetupError, say } from "./report.mjs";
import { runStep } from "./step.mjs";

/** The one major that Berth is tested with; native parts are built for it. */
export const NODE_MAJOR = 24;
const PNPM_MAJOR = 12;
const isWindows = process.platform === "win32";

/** @param {string} version */
export const majorOf = (version) => Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);

/** @typedef {{ root: string, toolchain: string, onStart: (pid: number) => void }} Place */

/**
 * Node 24: the one that runs this, one on the PATH, or the fetched one.
 *
 * @param {Place} place
 * @returns {Promise<string>} an absolute path
 * @throws {SetupError} when there is none for this machine
 */
export async function provideNode(place) {
  if (majorOf(process.version) === NODE_MAJOR) return process.execPath;
  const onPath = findOnPath(isWindows ? "node.exe" : "node", (candidate) => {
    const [version, path] = probe(candidate, ["-p", "process.version + '\\n' + process.execPath"]).split("\n");
    // A version manager's shim says here which binary it stands for.
    return majorOf(version ?? "") === NODE_MAJOR ? path : undefined;
  });
  if (onPath !== undefined) return onPath;
  const fetched = await provideFetched(place, "node", `Node ${NODE_MAJOR}`, (modules) =>
    findIn(modules, "node-", join("bin", isWindows ? "node.exe" : "node")),
  );
  if (fetched !== undefined) return fetched;
  if (majorOf(process.version) > NODE_MAJOR) {
    say(
      `there is no Node ${NODE_MAJOR} to fetch for ${process.platform}-${process.arch}; going on with ${process.version}`,
    );
    return process.execPath;
  }
  throw new SetupError(
    `Berth needs Node ${NODE_MAJOR}; this is ${process.version}, and there is none to fetch for ${process.platform}-${process.arch}`,
    `install Node ${NODE_MAJOR} from https://nodejs.org, put it first on the PATH and run the command again`,
  );
}

/**
 * The pnpm binary: the fetched one, pinned; where none is published for this machine, one from the PATH.
 *
 * @param {Place} place
 * @returns {Promise<string>} an absolute path
 * @throws {SetupError} when there is none for this machine
 */
export async function providePnpm(place) {
  const fetched = await provideFetched(place, "pnpm", "pnpm", (modules) =>
    findIn(join(modules, "@pnpm"), "exe.", isWindows ? "pnpm.exe" : "pnpm"),
  );
  const pnpm =
    fetched ??
    findOnPath(isWindows ? "pnpm.exe" : "pnpm", (candidate) =>
      majorOf(probe(candidate, ["--version"])) === PNPM_MAJOR ? candidate : undefined,
    );
  if (pnpm !== undefined) return pnpm;
  throw new SetupError(
    `there is no pnpm ${PNPM_MAJOR} to fetch for ${process.platform}-${process.arch}`,
    `install pnpm ${PNPM_MAJOR} (https://pnpm.io/installation), put it on the PATH and run the command again`,
  );
}

/**
 * A tool of tools/toolchain/<kind>, fetched unless it is there already. It is fetched into a folder of its own and
 * renamed when it has shown that it runs, so an interrupted fetch leaves nothing that looks complete.
 *
 * @param {Place} place
 * @param {"node" | "pnpm"} kind
 * @param {string} name for the terminal
 * @param {(modules: string) => string | undefined} find the binary below a node_modules folder
 */
async function provideFetched({ root, toolchain, onStart }, kind, name, find) {
  const recipe = join(root, "tools", "toolchain", kind);
  const pin = createHash("sha256")
    .update(readFileSync(join(recipe, "package-lock.json")))
    .digest("hex");
  const home = join(toolchain, `${kind}-${pin.slice(0, 12)}`);
  const present = find(join(home, "node_modules"));
  if (present !== undefined) return present;

  const fetching = join(toolchain, `fetching-${kind}`);
  rmSync(fetching, { recursive: true, force: true });
  mkdirSync(fetching);
  for (const file of ["package.json", "package-lock.json"]) cpSync(join(recipe, file), join(fetching, file));
  const { command, args, shell } = npmCommand();
  await runStep(
    `fetching ${name} (only this once)`,
    command,
    [
      ...args,
      "ci",
      "--ignore-scripts",
      "--include=prod",
      "--include=optional",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ],
    {
      cwd: fetching,
      shell,
      onStart,
      remedy: "check that `npm ping` works on this machine (network, proxy, registry) and run the command again",
    },
  );
  const arrived = find(join(fetching, "node_modules"));
  // On a machine with another C library the binary arrives, but does not start.
  if (arrived === undefined || probe(arrived, ["--version"]) === "") return undefined;
  rmSync(home, { recursive: true, force: true });
  renameSync(fetching, home);
  return find(join(home, "node_modules"));
}

/**
 * @param {string} folder
 * @param {string} prefix of the package that this platform got
 * @param {string} binary
 */
function findIn(folder, prefix, binary) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const paths = names.filter((name) => name.startsWith(prefix)).map((name) => join(folder, name, binary));
  return paths.find((path) => existsSync(path));
}

/**
 * @param {string} name
 * @param {(candidate: string) => string | undefined} accept
 */
function findOnPath(name, accept) {
  for (const folder of new Set((process.env["PATH"] ?? "").split(delimiter))) {
    const candidate = join(folder, name);
    if (!isAbsolute(folder) || !existsSync(candidate)) continue;
    const accepted = accept(candidate);
    if (accepted !== undefined) return accepted;
  }
  return undefined;
}

/**
 * What a program prints, or "" when it does not run.
 *
 * @param {string} program
 * @param {readonly string[]} args
 */
function probe(program, args) {
  const run = spawnSync(program, args, { encoding: "utf8", timeout: 10_000, stdio: ["ignore", "pipe", "ignore"] });
  return run.status === 0 ? run.stdout.trim() : "";
}

/** npm as a script for the running Node where npm itself started us (no shell needed), else the `npm` on the PATH. */
function npmCommand() {
  const script = process.env["npm_execpath"];
  if (script !== undefined && basename(script) === "npm-cli.js" && existsSync(script)) {
    return { command: process.execPath, args: [script], shell: false };
  }
  return { command: isWindows ? "npm.cmd" : "npm", args: [], shell: isWindows };
}
