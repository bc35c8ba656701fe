import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { formatReport, machine, measure, percentile, ratio } from "../runner.ts";
import type { Row, Subject } from "../runner.ts";

const row = (subject: string, median: number): Row => ({
  case: "call",
  subject,
  median,
  p99: median,
  unit: "µs",
  cpu: 1,
});

test("a percentile is a value that was measured", () => {
  const sorted = Array.from({ length: 100 }, (_, at) => at + 1);
  assert.equal(percentile(sorted, 0.5), 51);
  assert.equal(percentile(sorted, 0.99), 100);
  assert.equal(percentile([7], 0.99), 7);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test("a ratio is ours over the peer's, and holds at its goal or below", () => {
  const rows = [row("ours", 30), row("peer", 20)];
  assert.deepEqual(ratio(rows, "call.x", "call", "ours", "peer", 1.5), {
    id: "call.x",
    value: 1.5,
    goal: 1.5,
    holds: true,
  });
  assert.equal(ratio(rows, "call.x", "call", "ours", "peer", 1.4).holds, false);
  assert.equal(
    ratio(rows, "call.x", "call", "ours", "nobody", 100).holds,
    false,
    "a peer that did not run proves nothing",
  );
});

test("subjects run in turns, warmed up first, and their times are per operation", async () => {
  const order: string[] = [];
  const subject = (name: string, ms: number): Subject => ({
    case: "wait",
    subject: name,
    count: 4,
    run(count) {
      order.push(`${name} ${count}`);
      return new Promise((resolve) => setTimeout(resolve, ms));
    },
  });
  const rows = await measure([subject("slow", 40), subject("fast", 1)], 3);
  assert.deepEqual(order, ["slow 1", "fast 1", "slow 4", "fast 4", "slow 4", "fast 4", "slow 4", "fast 4"]);
  const [slow, fast] = rows;
  assert.ok(slow && fast);
  assert.ok(slow.median >= 9_000 && slow.median < 100_000, `40 ms by 4 is 10,000 µs, found ${slow.median}`);
  assert.ok(fast.median < slow.median && slow.median <= slow.p99);
  assert.deepEqual(Object.keys(slow), ["case", "subject", "median", "p99", "unit", "cpu"]);
});

test("a report says which goals hold and which are missed", () => {
  const rows = [row("ours", 30), row("peer", 20)];
  const ratios = [
    ratio(rows, "call.one", "call", "ours", "peer", 2),
    ratio(rows, "call.two", "call", "ours", "peer", 1),
  ];
  assert.deepEqual(formatReport({ name: "call", machine: "a machine", rows, ratios }).split("\n"), [
    "call on a machine",
    "  call                     ours                       30.0 µs  p99 30.0  cpu 1.0",
    "  call                     peer                       20.0 µs  p99 20.0  cpu 1.0",
    "  holds  call.one: 1.50 (goal 2)",
    "  MISSES call.two: 1.50 (goal 1)",
    "",
  ]);
});

test("with --json a benchmark prints its report as one document", { timeout: 120_000 }, () => {
  const args = [join(import.meta.dirname, "../run.ts"), "resolver", "--json"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const report = JSON.parse(stdout) as { name: string; machine: string; rows: Row[]; ratios: object[] };
  assert.deepEqual(Object.keys(report), ["name", "machine", "rows", "ratios"]);
  assert.equal(report.name, "resolver");
  for (const each of report.rows)
    assert.deepEqual(Object.keys(each), ["case", "subject", "median", "p99", "unit", "cpu"]);
  for (const each of report.ratios) assert.deepEqual(Object.keys(each), ["id", "value", "goal", "holds"]);
});

test("the machine is named in one line", () => {
  assert.match(machine(), /^\d+ × [^\n]+, \d+ GiB, Node v\d+\.\d+\.\d+, \w+$/);
});

test("an unknown benchmark is refused with the names of those there are", () => {
  for (const name of ["none", "../runner", ""]) {
    const run = spawnSync(process.execPath, [join(import.meta.dirname, "../run.ts"), name], { encoding: "utf8" });
    assert.equal(run.status, 2);
    assert.match(run.stderr, /expected the name of a benchmark: .*\bcall\b/);
  }
});
