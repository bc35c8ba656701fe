// Set-up and entry of every root command: finds or fetches Node 24 and pnpm, installs, builds the runtime files, then
// hands over to the script named on the command line, run by Node 24.
//
//   node tools/bootstrap.mjs [SCRIPT [ARGS…]]
//
// Runs on any Node >= 20 with no package installed, so it imports nothing but `node:` modules and its neighbours.
// Everything it makes lands in .toolchain/ and node_modules/. What it fetches is pinned by SHA-512 in
// tools/toolchain/*/package-lock.json and pnpm-lock.yaml. Any step may be interrupted: a stamp is written only after
// the step it stands for, and is removed before that step is repeated.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError, say } from "./setup/report.mjs";
import { isRuntimeFresh } from "./setup/runtime-stamp.mjs";
import { noteTimes, timesNow } from "./setup/runtime-times.mjs";
import { takeSetupLock } from "./setup/setup-lock.mjs";
import { endCurrentStep, runStep } from "./setup/step.mjs";
import { majorOf, provideNode, providePnpm } from "./setup/toolchain.mjs";

const OLDEST_NODE = 20;
/** `.ts` files run directly and `node:sqlite` is new: Node says so once per process, which is noise here. */
const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"];

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const toolchain = join(root, ".toolchain");
/** One line, the absolute path of Node 24; `bin/berth` reads it. Written last, so its presence says "installed". */
const nodePathFile = join(toolchain, "node-path");
const installStampFile = join(toolchain, "install-digest");

/** @param {string} path */
const readIfPresent = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "");
const recordedNode = () => readIfPresent(nodePathFile).trim();

/**
 * Digest of everything that decides what an installation looks like, the place of the clone included: a clone that was
 * moved or copied installs again. So does one whose Node was replaced under the same path.
 *
 * @param {string} node
 */
function installDigest(node) {
  const { size, mtimeMs } = statSync(node);
  const hash = createHash("sha256").update(JSON.stringify([root, node, size, mtimeMs]));
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "bench/package.json"];
  for (const kind of ["node", "pnpm"]) files.push(`tools/toolchain/${kind}/package-lock.json`);
  for (const area of ["packages", "engines", "apps", "examples"]) {
    if (!existsSync(join(root, area))) continue;
    for (const name of readdirSync(join(root, area)).sort()) files.push(`${area}/${name}/package.json`);
  }
  for (const file of files) hash.update(`\0${file}\0${readIfPresent(join(root, file))}`);
  return hash.digest("hex");
}

function isInstalled() {
  const node = recordedNode();
  return (
    node !== "" &&
    existsSync(node) &&
    existsSync(join(root, "node_modules")) &&
    readIfPresent(installStampFile) === installDigest(node)
  );
}

/**
 * A stamp appears whole or not at all.
 *
 * @param {string} path
 * @param {string} text
 */
function writeStamp(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** @param {(pid: number) => void} onStart */
async function install(onStart) {
  rmSync(installStampFile, { force: true });
  rmSync(nodePathFile, { force: true });
  const place = { root, toolchain, onStart };
  const node = await provideNode(place);
  const pnpm = await providePnpm(place);
  // CI answers pnpm's questions (such as renewing a node_modules of another layout) with yes. Under
  // NODE_ENV=production it would leave out what the tests need.
  const env = { ...process.env, CI: "true", PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}` };
  delete env["NODE_ENV"];
  await runStep("installing dependencies", pnpm, ["install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: root,
    env,
    onStart,
    remedy: "check that `npm ping` works on this machine and run the command again; what is done already is kept",
  });
  writeStamp(installStampFile, installDigest(node));
  writeStamp(nodePathFile, `${node}\n`);
}

/** @param {(pid: number) => void} onStart */
async function buildRuntime(onStart) {
  await runStep("building the runtime files", recordedNode(), [...NODE_FLAGS, join("tools", "build-runtime.ts")], {
    cwd: root,
    onStart,
    remedy: "the lines above name the file that does not build",
  });
}

/**
 * What looks at sources or writes them must work when they do not build.
 *
 * @param {string | undefined} script
 * @param {readonly string[]} args
 */
const isBuildFree = (script, args) =>
  script === "tools/format.ts" ||
  script === "tools/generate.ts" ||
  (script === "tools/test.ts" && args.includes("--checks-only"));

/** @param {boolean} needsRuntime */
async function setUp(needsRuntime) {
  // Taken first: what changes while the digest is made is asked about again.
  const times = timesNow(root);
  if (isInstalled() && (!needsRuntime || isRuntimeFresh(root))) {
    if (needsRuntime && times !== undefined) noteTimes(root, times);
    return;
  }
  mkdirSync(toolchain, { recursive: true });
  const lock = await takeSetupLock(toolchain);
  /** @param {NodeJS.Signals} signal */
  const interrupted = (signal) => {
    endCurrentStep("SIGTERM");
    lock.release();
    say(`interrupted by ${signal}; the next run goes on from here`);
    process.exit(128 + constants.signals[signal]);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, interrupted);
  try {
    // Both are asked again: the set-up that we waited for may have done the work.
    if (!isInstalled()) await install(lock.stepStarted);
    if (needsRuntime && !isRuntimeFresh(root)) await buildRuntime(lock.stepStarted);
  } finally {
    for (const signal of signals) process.off(signal, interrupted);
    lock.release();
  }
}

/**
 * Runs `script` with Node 24 and ends as it ends.
 *
 * @param {string} script
 * @param {readonly string[]} args
 */
function handOver(script, args) {
  const child = spawn(recordedNode(), [...NODE_FLAGS, join(root, script), ...args], { cwd: root, stdio: "inherit" });
  // Ctrl-C on a terminal reaches the whole foreground group, the child too; sent twice, it would read as "at once".
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGHUP"));
  child.on("error", (error) =>
    end(new SetupError(`${script} could not be started: ${error.message}`, `Node is at ${recordedNode()}`)),
  );
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? "SIGTERM"]));
}

/** @param {unknown} error */
function end(error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  say(`  ${error.remedy}`);
  process.exit(error.exitCode);
}

try {
  if (majorOf(process.version) < OLDEST_NODE) {
    throw new SetupError(
      `Node ${process.version} is too old to set Berth up`,
      `install Node ${OLDEST_NODE} or newer from https://nodejs.org and run the command again`,
    );
  }
  const [script, ...args] = process.argv.slice(2);
  await setUp(!isBuildFree(script, args));
  if (script !== undefined) handOver(script, args);
} catch (error) {
  end(error);
}
