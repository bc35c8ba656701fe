import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";

import { readPackage } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor, machineWalls } from "@berth/sandbox";
import type { SupervisedCompartment } from "@berth/sandbox";
import { SECURITY_LEVELS } from "@berth/spec";
import type { SecurityLevel } from "@berth/spec";
import { encodeValue } from "@berth/wire";
import fc from "fast-check";

import { packPluginFolder, readPluginFolder } from "../src/plugin-folder.ts";

const supervisor = new Supervisor();
after(() => supervisor.close());

const { full } = await machineWalls(isolate());
const levels = SECURITY_LEVELS.filter((level) => level !== "isolated" || full.kind === "offered");
if (full.kind === "missing") test("examples at isolated", { skip: full.missing.why }, () => {});

/** The example at every level of this machine. */
async function openExample(name: string): Promise<[SecurityLevel, SupervisedCompartment][]> {
  const folder = await readPluginFolder(join(import.meta.dirname, "../../../examples", name));
  const { files } = readPackage((await packPluginFolder(folder)).bytes);
  const code = files.get("plugin.js")?.bytes;
  assert.ok(code !== undefined);
  return levels.map((level) => [
    level,
    supervisor.open({
      packKey: name,
      engine: level === "strict" ? quickjs() : isolate(),
      level,
      code,
      sourceName: "plugin.js",
      limits: { memoryMiB: 128, cpuMs: 20_000, wallMs: 60_000 },
      onRequest: () => Promise.reject(new Error("a pure action asks for nothing")),
      onLog: () => undefined,
    }),
  ]);
}

/** What a call gives, bytes of its answer or words of its failure. */
async function outcomeOf(compartment: SupervisedCompartment, action: string, input: unknown): Promise<unknown> {
  try {
    return await compartment.call({ action, input: encodeValue(input), caller: undefined, about: "{}" });
  } catch (error) {
    const { name, message } = (error as { details?: { plugin?: { name: string; message: string } } }).details
      ?.plugin ?? {
      name: String(error),
      message: "",
    };
    return [name, message];
  }
}

function alike(name: string, calls: fc.Arbitrary<readonly [action: string, input: unknown]>): void {
  test(`${name} gives the same bytes at ${levels.join(", ")}, whatever the table`, async () => {
    const opened = await openExample(name);
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(calls, async ([action, input]) => {
        const outcomes = await Promise.all(
          opened.map(async ([level, each]) => [level, await outcomeOf(each, action, input)] as const),
        );
        const [first, ...others] = outcomes;
        if (!Array.isArray(first?.[1])) answers += 1;
        for (const [level, outcome] of others) assert.deepEqual(outcome, first?.[1], `${level} and ${first?.[0]}`);
      }),
      { numRuns: 150 },
    );
    assert.ok(answers > 100, `only ${answers} of 150 tables were answered: failures alike prove little`);
  });
}

const column = fc.constantFrom("a", "b", "ä", "__proto__", "constructor", "0");
const words = fc.oneof(
  fc.constantFrom("", "7", "-1e2", "NaN", "true", "2024-02-30", "ß", "é", "İ"),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const number = fc.oneof(fc.integer({ min: -1_000, max: 1_000 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
const cell = fc.oneof(fc.constant(null), fc.boolean(), number, words);
const rows = fc.array(fc.dictionary(column, cell, { maxKeys: 4 }), { maxLength: 25 });
const columns = fc.uniqueArray(column, { minLength: 1, maxLength: 3 });
const operand = fc.oneof(
  column.map((name) => ({ column: name })),
  cell.map((value) => ({ value })),
);

const step = fc.oneof(
  columns.map((names) => ({ step: "select", columns: names })),
  columns.map((names) => ({ step: "drop", columns: names })),
  fc.record({ step: fc.constant("rename"), from: column, to: column }),
  fc.record({ step: fc.constant("fill"), column, value: cell }),
  fc.record({ step: fc.constant("cast"), column, to: fc.constantFrom("number", "text", "boolean") }),
  fc.record({
    step: fc.constant("compute"),
    as: column,
    op: fc.constantFrom("add", "subtract", "multiply", "divide", "concat"),
    left: operand,
    right: operand,
  }),
  fc.record({
    step: fc.constant("sort"),
    by: fc.array(fc.record({ column, descending: fc.boolean() }), { minLength: 1, maxLength: 3 }),
  }),
  columns.map((names) => ({ step: "distinct", columns: names })),
  fc.record({ step: fc.constant("limit"), count: fc.nat(30), offset: fc.nat(5) }),
);

const where = fc.record({
  column,
  op: fc.constantFrom("eq", "ne", "lt", "le", "gt", "ge", "contains", "startsWith", "endsWith", "missing", "present"),
  value: cell,
});
const measure = fc.record({
  op: fc.constantFrom(
    "count",
    "missing",
    "distinct",
    "sum",
    "mean",
    "min",
    "max",
    "median",
    "variance",
    "stddev",
    "first",
    "last",
  ),
  column,
});

alike(
  "data-processor",
  fc.oneof(
    fc
      .record({ rows, steps: fc.array(step, { minLength: 1, maxLength: 4 }) })
      .map((input) => ["transform", input] as const),
    fc
      .record({
        rows,
        where: fc.array(where, { minLength: 1, maxLength: 3 }),
        match: fc.constantFrom("all", "any"),
        invert: fc.boolean(),
      })
      .map((input) => ["filter", input] as const),
    fc
      .record({
        rows,
        groupBy: fc.uniqueArray(column, { maxLength: 2 }),
        measures: fc.array(measure, { minLength: 1, maxLength: 5 }),
      })
      .map((input) => ["aggregate", input] as const),
    fc
      .record({ rows, columns, method: fc.constantFrom("min-max", "z-score", "robust", "max-abs") })
      .map((input) => ["normalize", input] as const),
  ),
);

const csv = fc
  .array(fc.oneof(words, fc.constantFrom(",", ";", "\t", '"', "\n", "\r\n", "1.5", "007", "1e400")), { maxLength: 40 })
  .map((pieces) => pieces.join(""));

alike(
  "table-converter",
  fc.oneof(
    fc.record({ csv, header: fc.boolean(), types: fc.boolean() }).map((input) => ["csv_to_json", input] as const),
    fc.record({ csv, delimiter: fc.constantFrom(",", ";", "\t", "|") }).map((input) => ["csv_to_json", input] as const),
    fc.record({ rows }).map((input) => ["json_to_csv", input] as const),
    fc.record({ csv }).map((input) => ["inspect", input] as const),
  ),
);
