// npm test: the checks, then every test. The last line states how many passed, failed and were skipped.
//
//   npm test [-- PATH …]         only tests below these paths, and no checks
//   npm run check                the checks alone
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { run } from "node:test";

import { checkBoundaries } from "./check-boundaries.ts";
import { checkClaims } from "./check-claims.ts";
import { checkDocs } from "./check-docs.ts";
import { checkGenerated } from "./generated-files.ts";
import { isRuntimeFresh } from "./setup/runtime-stamp.mjs";
import { runInOrder } from "./test-order.ts";
import type { FileOutcome } from "./test-order.ts";
import { listFiles, root } from "./workspace.ts";

/** After which the long files that come last do not begin any more; without it there is no end. */
const MINUTES = Number(process.env["BERTH_TEST_MINUTES"] || Number.POSITIVE_INFINITY);

const FILE_TIMEOUT_MS = 600_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Real servers and walls that tests name; the last lines say how often each was used. */
const NAMED = ["PostgreSQL", "S3", "full wall"];

interface Tally {
  passed: number;
  /** Passed tests that name one of `NAMED`. */
  readonly named: Map<string, number>;
  readonly failures: string[];
  readonly skips: string[];
  /** Files that passed only when they were run again. */
  readonly secondTries: string[];
}

/** Runs a tool of node_modules; answers with its output when it refuses. */
function tool(script: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1_048_576,
  });
  return status === 0 ? [] : `${stdout}${stderr}`.trim().split("\n");
}

const checks: Readonly<Record<string, () => string[] | Promise<string[]>>> = {
  format: () => tool("oxfmt/bin/oxfmt", ["--check"]),
  lint: () => tool("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]),
  "types of the sources": () => tool("typescript/bin/tsc", ["-b"]),
  "types of tests, tools and benchmarks": () => tool("typescript/bin/tsc", ["-p", "tsconfig.tests.json"]),
  boundaries: () => checkBoundaries(),
  "generated files": () => checkGenerated(),
  "links in docs": () => checkDocs(),
  "tests named in the threat model": () => checkClaims(),
};

async function runChecks(tally: Tally): Promise<void> {
  for (const [name, check] of Object.entries(checks)) {
    const startedAt = Date.now();
    const problems = await check();
    say(
      `${problems.length === 0 ? "ok  " : "FAIL"} check: ${name} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`,
    );
    if (problems.length === 0) {
      tally.passed += 1;
      continue;
    }
    for (const problem of problems.slice(0, 60)) say(`     ${problem}`);
    tally.failures.push(`check: ${name}`);
  }
}

/** One run for each file: what a test says of its file is where its text stands, which many files may share. */
async function runFile(file: string): Promise<FileOutcome | undefined> {
  const startedAt = Date.now();
  const outcome = { passed: 0, named: [] as string[], failures: [] as string[], skips: [] as string[] };
  const stream = run({
    files: [join(root, file)],
    timeout: FILE_TIMEOUT_MS,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  stream.on("test:pass", ({ name, skip, details }) => {
    if (details.type === "suite") return;
    if (skip !== undefined && skip !== false)
      outcome.skips.push(`${name}: ${skip === true ? "no reason given" : skip}`);
    else {
      outcome.passed += 1;
      outcome.named.push(...NAMED.filter((each) => name.includes(each)));
    }
  });
  stream.on("test:fail", ({ name, details }) => {
    if (details.type === "suite") return;
    outcome.failures.push(name);
    const cause: unknown = details.error.cause ?? details.error;
    const words = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    say(`FAIL ${file}: ${name}\n     ${words.split("\n").slice(0, 14).join("\n     ")}`);
  });
  await new Promise<void>((resolve) => {
    stream.on("end", resolve);
    // Of the run itself, such as that no process could be started: the other files go on.
    stream.on("error", (error: Error) => {
      outcome.failures.push(`the run: ${error.message}`);
      say(`FAIL ${file}: ${error.stack ?? error.message}`);
      resolve();
    });
    stream.resume();
  });
  const { passed, failures, skips } = outcome;
  if (passed + failures.length + skips.length === 0) return undefined;
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1);
  say(`${failures.length === 0 ? "ok  " : "FAIL"} ${file} (${passed + failures.length} in ${seconds} s)`);
  return outcome;
}

async function runTests(paths: readonly string[], tally: Tally): Promise<void> {
  const files = ["apps", "bench", "engines", "examples", "packages", "tools"]
    .flatMap((area) => listFiles(area, ".test.ts"))
    .filter((file) => paths.length === 0 || paths.some((path) => file.startsWith(path.replace(/^\.\//, ""))));
  const order = { run: runFile, say, minutes: MINUTES, elapsedMs: () => performance.now() };
  const { outcomes, secondTries } = await runInOrder(files, order);
  tally.secondTries.push(...secondTries);
  for (const [file, { passed, named, failures, skips }] of [...outcomes].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    tally.passed += passed;
    for (const each of named) tally.named.set(each, (tally.named.get(each) ?? 0) + 1);
    tally.failures.push(...failures.map((name) => `${file}: ${name}`));
    tally.skips.push(...skips.map((skip) => `${file}: ${skip}`));
  }
}

// Tests load the same sources over and over, and start processes that do: compiled once, by the first of them.
process.env["NODE_COMPILE_CACHE"] ??= join(root, ".toolchain", "compile-cache");
const tally: Tally = { passed: 0, named: new Map(), failures: [], skips: [], secondTries: [] };
const args = process.argv.slice(2);
const isChecksOnly = args.includes("--checks-only");
const paths = args.filter((arg) => !arg.startsWith("--"));
// Tests start threads and processes from built files: those of other sources would pass for these.
if (!isChecksOnly && !isRuntimeFresh(root))
  tally.failures.push("the built files are not those of the sources; run npm test");
if (!(MINUTES >= 0))
  tally.failures.push(`BERTH_TEST_MINUTES: expected minutes, found ${process.env["BERTH_TEST_MINUTES"]}`);
const mayRun = !isChecksOnly && tally.failures.length === 0;
if (paths.length === 0) await runChecks(tally);
if (mayRun) await runTests(paths, tally);
if (tally.passed + tally.failures.length + tally.skips.length === 0) tally.failures.push("no test was found");
if (tally.named.size > 0) say(`ran on: ${Array.from(tally.named, ([name, count]) => `${name} ${count}`).join(", ")}`);
for (const file of tally.secondTries) say(`passed only when run again, alone: ${file}`);
for (const skip of tally.skips) say(`skipped: ${skip}`);
for (const failure of tally.failures) say(`failed: ${failure}`);
say(`${tally.passed} passed, ${tally.failures.length} failed, ${tally.skips.length} skipped`);
process.exit(tally.failures.length === 0 ? 0 : 1);
