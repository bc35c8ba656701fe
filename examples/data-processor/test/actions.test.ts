import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test from "node:test";

import fc from "fast-check";

import { rowsFromCsv } from "../../../tools/rows-from-csv.mjs";
import { aggregate } from "../src/aggregate.ts";
import type { Cell, Row } from "../src/cell.ts";
import { makeRow } from "../src/cell.ts";
import { filter } from "../src/filter.ts";
import { normalize } from "../src/normalize.ts";
import type { Method } from "../src/normalize.ts";
import { transform } from "../src/transform.ts";

const tables = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "../data");
const weather = rowsFromCsv(readFileSync(join(tables, "seattle-weather.csv"), "utf8"));
const json = (name: string): Row[] =>
  (JSON.parse(readFileSync(join(tables, name), "utf8")) as Record<string, Cell>[]).map((row) =>
    makeRow(Object.entries(row)),
  );

const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.constantFrom("", "7", "x", "-1e2", "NaN"),
);
const row = fc
  .dictionary(fc.constantFrom("a", "b", "__proto__", "constructor"), cell)
  .map((each) => makeRow(Object.entries(each)));
const rows = fc.array(row, { maxLength: 30 });

test("the weather of Seattle adds up to what other means of counting say", () => {
  // 1,461 days in four years, of which 640 with sun: counted with `grep -c ',sun$'`.
  const { rows: groups } = aggregate({
    rows: weather,
    groupBy: ["weather"],
    measures: [
      { op: "count", as: "days" },
      { op: "max", column: "temp_max" },
    ],
  });
  assert.deepEqual(
    groups.map((group) => [group["weather"], group["days"]]),
    [
      ["drizzle", 53],
      ["fog", 101],
      ["rain", 641],
      ["snow", 26],
      ["sun", 640],
    ],
  );
  assert.equal(weather.length, 1_461);
});

test("penguins with missing cells are measured, and what is missing is told", () => {
  const penguins = json("penguins.json");
  const {
    rows: [all],
  } = aggregate({
    rows: penguins,
    measures: [
      { op: "count" },
      { op: "missing", column: "Body Mass (g)" },
      { op: "mean", column: "Body Mass (g)" },
      { op: "stddev", column: "Body Mass (g)" },
      { op: "median", column: "Body Mass (g)" },
    ],
  });
  const masses = penguins.map((penguin) => penguin["Body Mass (g)"]).filter((mass) => typeof mass === "number");
  const mean = masses.reduce((sum, mass) => sum + mass, 0) / masses.length;
  assert.equal(all?.["count"], penguins.length);
  assert.equal(all?.["missing_Body Mass (g)"], penguins.length - masses.length);
  assert.ok(Math.abs(Number(all?.["mean_Body Mass (g)"]) - mean) < 1e-9);
  const variance = masses.reduce((sum, mass) => sum + (mass - mean) ** 2, 0) / (masses.length - 1);
  assert.ok(Math.abs(Number(all?.["stddev_Body Mass (g)"]) - Math.sqrt(variance)) < 1e-9);
});

test("cars: filter, sort and limit give the strongest of a country", () => {
  const { rows: europe } = filter({
    rows: json("cars.json"),
    where: [
      { column: "Origin", op: "eq", value: "Europe" },
      { column: "Horsepower", op: "ge", value: 100 },
    ],
  });
  const {
    rows: [first],
  } = transform({
    rows: europe,
    steps: [
      { step: "sort", by: [{ column: "Horsepower", descending: true }] },
      { step: "limit", count: 1 },
      { step: "select", columns: ["Name", "Horsepower"] },
    ],
  });
  assert.deepEqual(first, { Name: "peugeot 604sl", Horsepower: 133 });
});

test("a filter and its inversion part every table in two", () => {
  const comparison = fc.record({
    column: fc.constantFrom("a", "__proto__"),
    op: fc.constantFrom("eq" as const, "ne" as const, "lt" as const, "ge" as const, "missing" as const),
    value: cell,
  });
  fc.assert(
    fc.property(
      rows,
      fc.array(comparison, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("all" as const, "any" as const),
      (table, where, match) => {
        const kept = filter({ rows: table, where, match });
        const others = filter({ rows: table, where, match, invert: true });
        assert.equal(kept.rows.length + others.rows.length, table.length);
        assert.deepEqual(
          [...kept.rows, ...others.rows].map((each) => JSON.stringify(each)).toSorted(),
          table.map((each) => JSON.stringify(each)).toSorted(),
        );
      },
    ),
  );
});

test("grouped sums and counts agree with a plain loop", () => {
  fc.assert(
    fc.property(rows, (table) => {
      const { rows: groups, skipped } = aggregate({
        rows: table,
        groupBy: ["a"],
        measures: [{ op: "count" }, { op: "sum", column: "b" }],
      });
      assert.equal(
        groups.reduce((sum, group) => sum + Number(group["count"]), 0),
        table.length,
      );
      const numbers = table
        .map((each) => (Object.hasOwn(each, "b") ? each["b"] : null))
        .map((value) => (typeof value === "number" ? value : value === "7" ? 7 : value === "-1e2" ? -100 : 0));
      assert.equal(
        groups.reduce((sum, group) => sum + Number(group["sum_b"]), 0),
        numbers.reduce((sum, value) => sum + value, 0),
      );
      assert.ok(skipped <= table.length);
    }),
  );
});

test("normalized columns lie where the method puts them, and constants become 0", () => {
  const methods: readonly Method[] = ["min-max", "z-score", "robust", "max-abs"];
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...methods),
      (numbers, method) => {
        const { rows: scaled, scalings } = normalize({
          rows: numbers.map((value) => ({ x: value })),
          columns: ["x"],
          method,
        });
        const values = scaled.map((each) => Number(each["x"]));
        assert.equal(scalings[0]?.scaled, numbers.length);
        for (const value of values) assert.ok(Number.isFinite(value) || method === "z-score" || method === "robust");
        if (method === "min-max" && Number.isFinite(Math.max(...numbers) - Math.min(...numbers)))
          assert.ok(values.every((value) => value >= -1e-9 && value <= 1 + 1e-9));
        if (method === "max-abs") assert.ok(values.every((value) => Math.abs(value) <= 1 + 1e-9));
      },
    ),
  );
  assert.deepEqual(normalize({ rows: [{ x: 5 }, { x: 5 }], columns: ["x"] }).rows, [{ x: 0 }, { x: 0 }]);
  assert.deepEqual(normalize({ rows: [], columns: ["x"] }).rows, []);
  assert.deepEqual(normalize({ rows: [{ x: null }, { x: "words" }, { x: 1 }], columns: ["x"] }).scalings[0], {
    column: "x",
    shift: 1,
    scale: 1,
    scaled: 1,
    missing: 1,
    skipped: 1,
  });
});

test("columns called __proto__ or constructor are columns like any other", () => {
  const table = [
    makeRow([
      ["__proto__", 2],
      ["constructor", "x"],
    ]),
    makeRow([]),
  ];
  assert.equal(aggregate({ rows: table, groupBy: ["__proto__"], measures: [{ op: "count" }] }).groups, 2);
  const { rows: changed } = transform({
    rows: table,
    steps: [
      { step: "rename", from: "__proto__", to: "p" },
      { step: "fill", column: "constructor", value: 0 },
    ],
  });
  assert.deepEqual(
    changed.map((each) => Object.entries(each)),
    [
      [
        ["p", 2],
        ["constructor", "x"],
      ],
      [["constructor", 0]],
    ],
  );
});

test("steps do what they say to mixed cells, and count what failed", () => {
  const { rows: result, failedCells } = transform({
    rows: [
      { a: "1", b: true },
      { a: "x", b: null },
      { a: null, b: "no" },
      { a: "1", b: true },
    ],
    steps: [
      { step: "distinct" },
      { step: "cast", column: "a", to: "number" },
      { step: "compute", as: "c", op: "divide", left: { column: "a" }, right: { value: 0 } },
      { step: "cast", column: "b", to: "text" },
      { step: "drop", columns: ["none"] },
    ],
  });
  assert.deepEqual(result, [
    { a: 1, b: "true", c: null },
    { a: null, b: null, c: null },
    { a: null, b: "no", c: null },
  ]);
  assert.equal(failedCells, 2);
});
