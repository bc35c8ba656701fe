import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

const runFor = (minutes: string | undefined, ...paths: string[]): { status: number | null; stdout: string } =>
  spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "../test.ts"), ...paths],
    {
      encoding: "utf8",
      // The runner below this test must not think that it runs inside of one.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, BERTH_TEST_MINUTES: minutes },
    },
  );
const run = (...paths: string[]): ReturnType<typeof runFor> => runFor(undefined, ...paths);

test("a path without tests is a failure, not a success of nothing", () => {
  const { status, stdout } = run("packages/none");
  assert.equal(status, 1);
  assert.match(stdout, /failed: no test was found\n0 passed, 1 failed, 0 skipped\n$/);
});

test("the last line counts what ran", () => {
  const { status, stdout } = run("tools/test/rows-from-csv.test.ts");
  assert.equal(status, 0, stdout);
  assert.match(stdout, /\n2 passed, 0 failed, 0 skipped\n$/);
});

test("when the time is over, what only repeats others is skipped by name, and the rest runs", () => {
  const { status, stdout } = runFor("0", "bench/test/app.test.ts", "tools/test/rows-from-csv.test.ts");
  assert.equal(status, 0, stdout);
  assert.match(stdout, /\nskipped: bench\/test\/app\.test\.ts: not begun: 0 minutes were over\n/);
  assert.match(stdout, /\n2 passed, 0 failed, 1 skipped\n$/);
});

test("minutes that are none are refused", () => {
  for (const minutes of ["32m", "-1"]) {
    const { status, stdout } = runFor(minutes, "tools/test/rows-from-csv.test.ts");
    assert.equal(status, 1);
    assert.match(
      stdout,
      /\n?failed: BERTH_TEST_MINUTES: expected minutes, found \S+\n0 passed, 1 failed, 0 skipped\n$/,
    );
  }
});
