// Set-up and entry of every root command: finds or fetches Node 24 and pnpm, installs, builds the
// runtime files, then hands over to the script named on the command line, run by Node 24.
//
//   node tools/bootstrap.mjs [SCRIPT [ARGS…]]
//
// Runs on any Node >= 20 with no package installed, so it imports nothing but `node:` modules.
// Everything it fetches lands in .toolchain/ and node_modules/; `tools/toolchain/package-lock.json`
// pins the fetched binaries by SHA-512.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR = 24;
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const toolchain = join(root, ".toolchain");
const isWindows = process.platform === "win32";

const say = (line) => process.stderr.write(`setup: ${line}\n`);

function fail(what, remedy) {
  process.stderr.write(`setup: ${what}\n       ${remedy}\n`);
  process.exit(6);
}

/** Runs a set-up step; its output is shown only when it fails. */
function step(title, command, args, options = {}) {
  say(title);
  const startedAt = Date.now();
  const run = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...options });
  if (run.error !== undefined || run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ""}${run.stderr ?? ""}`);
    const why = run.error === undefined ? `it ended with ${run.status ?? run.signal}` : run.error.message;
    fail(`${title}: ${why}`, `the command was: ${command} ${args.join(" ")}`);
  }
  const seconds = (Date.now() - startedAt) / 1000;
  if (seconds > 1) say(`  done in ${seconds.toFixed(1)} s`);
}

/** One process at a time may set up; the others wait for it. `mkdir` is atomic everywhere. */
function withSetupLock(work) {
  mkdirSync(toolchain, { recursive: true });
  const lock = join(toolchain, "setup.lock");
  const owner = join(lock, "pid");
  const deadline = Date.now() + 10 * 60_000;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (ownerIsGone(owner)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > deadline) fail("another set-up has held the lock for 10 minutes", `end it, or remove ${lock}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  writeFileSync(owner, String(process.pid));
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function ownerIsGone(ownerFile) {
  let pid;
  try {
    pid = Number(readFileSync(ownerFile, "utf8"));
  } catch {
    return false; // Just created: its owner writes the pid next.
  }
  if (!Number.isInteger(pid) || pid <= 0) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

const majorOf = (version) => Number(/^v?(\d+)\./.exec(version)?.[1] ?? 0);

/** Node 24 or newer: the one running, or the one fetched into .toolchain/. */
function findNode() {
  if (majorOf(process.version) >= NODE_MAJOR) return process.execPath;
  const modules = join(toolchain, "node_modules");
  const names = existsSync(modules) ? readdirSync(modules).filter((name) => name.startsWith("node-")) : [];
  for (const name of names) {
    const binary = join(modules, name, "bin", isWindows ? "node.exe" : "node");
    if (existsSync(binary)) return binary;
  }
  return undefined;
}

const pnpmScript = join(toolchain, "node_modules", "pnpm", "bin", "pnpm.mjs");

function fetchToolchain() {
  for (const file of ["package.json", "package-lock.json"]) {
    cpSync(join(root, "tools", "toolchain", file), join(toolchain, file));
  }
  const npm = isWindows ? "npm.cmd" : "npm";
  step(
    `fetching Node ${NODE_MAJOR} and pnpm from the package registry (once)`,
    npm,
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: toolchain, shell: isWindows },
  );
}

/** Digest of every file that decides what `pnpm install` would do. */
function installDigest(node) {
  const hash = createHash("sha256").update(node);
  const files = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"];
  for (const area of ["packages", "engines", "apps", "examples"]) {
    if (!existsSync(join(root, area))) continue;
    for (const name of readdirSync(join(root, area)).toSorted()) files.push(join(area, name, "package.json"));
  }
  files.push(join("bench", "package.json"));
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`\0${file}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

function readStamp(name) {
  const path = join(toolchain, name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** A stamp appears whole or not at all, so that an interrupted set-up is done again. */
function writeStamp(name, text) {
  const path = join(toolchain, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function isReady() {
  const node = findNode();
  return (
    node !== undefined &&
    existsSync(join(root, "node_modules")) &&
    readStamp("node-path") === node &&
    readStamp("install-digest") === installDigest(node)
  );
}

function setUp() {
  if (isReady()) return;
  if (findNode() === undefined || !existsSync(pnpmScript)) fetchToolchain();
  const node = findNode();
  if (node === undefined) {
    fail(
      `Berth needs Node ${NODE_MAJOR}; this is ${process.version}, and no prebuilt Node for ${process.platform}-${process.arch} could be fetched`,
      `install Node ${NODE_MAJOR} from nodejs.org, put it first on the PATH and run the command again`,
    );
  }
  step("installing dependencies", node, [pnpmScript, "install", "--frozen-lockfile", "--reporter=append-only"], {
    env: { ...process.env, PATH: `${dirname(node)}${isWindows ? ";" : ":"}${process.env.PATH ?? ""}`, CI: "true" },
  });
  writeStamp("node-path", node);
  writeStamp("install-digest", installDigest(node));
}

if (majorOf(process.version) < 20) {
  fail(`Node ${process.version} is too old to set Berth up`, "install Node 20 or newer and run the command again");
}
if (!isReady()) withSetupLock(setUp);
const node = findNode();

const build = spawnSync(node, ["--disable-warning=ExperimentalWarning", join(root, "tools", "build-runtime.ts")], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
});
if (build.status !== 0) fail("the runtime files could not be built", "the lines above say why");

const [script, ...args] = process.argv.slice(2);
if (script !== undefined) {
  const child = spawn(node, ["--disable-warning=ExperimentalWarning", join(root, script), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  // The child gets Ctrl-C from the terminal itself; this process only waits for its end.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => fail(`${script} could not be started: ${error.message}`, `Node is at ${node}`));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}
