import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import test from "node:test";

import fc from "fast-check";

import { exactNumber } from "../src/cell.ts";
import { csvToJson, inspect, jsonToCsv } from "../src/convert.ts";

const tables = join(dirname(createRequire(import.meta.url).resolve("vega-datasets")), "../data");

test("a number is taken only where nothing is lost", () => {
  for (const [text, value] of [
    ["0", 0],
    ["-1.50", -1.5],
    ["1e3", 1_000],
    ["123456789012345", 123_456_789_012_345],
  ] as const)
    assert.equal(exactNumber(text), value, text);
  for (const text of ["007", "1e400", "1234567890123456789", "0x10", "1,5", " 1", "Infinity", "NaN", "-", ".5", "1."])
    assert.equal(exactNumber(text), undefined, text);
});

test("the weather of Seattle comes through in types, and back as it was", () => {
  const csv = readFileSync(join(tables, "seattle-weather.csv"), "utf8");
  const { rows, columns, delimiter, problemCount } = csvToJson({ csv });
  assert.deepEqual([rows.length, delimiter, problemCount], [1_461, ",", 0]);
  assert.equal(typeof rows[0]?.["temp_max"], "number");
  const back = csvToJson({ csv: jsonToCsv({ rows, columns }).csv });
  assert.deepEqual(back.rows, rows);
  const report = inspect({ csv });
  assert.deepEqual(
    report.columns.map(({ name, type }) => [name, type]),
    [
      ["date", "date"],
      ["precipitation", "number"],
      ["temp_max", "number"],
      ["temp_min", "number"],
      ["wind", "number"],
      ["weather", "text"],
    ],
  );
});

test("the delimiter is found, and rows that do not fit are told with their line", () => {
  const csv = '\uFEFFid;text\r\n1;"two\r\nlines; one cell"\r\n2\r\n3;x;y\r\n\r\n';
  const { rows, delimiter, problems } = csvToJson({ csv });
  assert.equal(delimiter, ";");
  assert.deepEqual(rows, [
    { id: 1, text: "two\r\nlines; one cell" },
    { id: 2, text: null },
    { id: 3, text: "x" },
  ]);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [4, 5],
  );
});

test("columns of the same name, without a name or with a dangerous name stay apart", () => {
  const { rows, columns } = csvToJson({ csv: "a,a,,__proto__\n1,2,3,4\n" });
  assert.deepEqual(columns, ["a", "a 2", "column 3", "__proto__"]);
  assert.deepEqual(Object.entries(rows[0] ?? {}), [
    ["a", 1],
    ["a 2", 2],
    ["column 3", 3],
    ["__proto__", 4],
  ]);
});

test("a text that a spreadsheet would run is guarded; a negative number is not", () => {
  const rows = [{ a: "=HYPERLINK(1)", b: -3, c: "+x", d: "@x", e: "-1+2" }];
  assert.deepEqual(jsonToCsv({ rows }), {
    csv: "a,b,c,d,e\r\n'=HYPERLINK(1),-3,'+x,'@x,'-1+2\r\n",
    columns: ["a", "b", "c", "d", "e"],
    guarded: 4,
  });
  assert.equal(jsonToCsv({ rows, guardFormulas: false }).guarded, 0);
});

test("any table of texts comes back from any delimiter as it was", () => {
  const name = fc.string({ minLength: 1, maxLength: 8 }).map((text) => text.trim() || "x");
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 2, maxLength: 5 }),
      fc.array(fc.array(fc.string(), { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 10 }),
      fc.constantFrom(",", ";", "\t", "|"),
      (columns, cells, delimiter) => {
        // A row of empty cells is a blank line, which is skipped.
        const rows = cells.map((row) =>
          Object.fromEntries(
            columns.map((column, index) => [column, index === 0 ? `k${row[index]}` : (row[index] ?? "")]),
          ),
        );
        const { csv } = jsonToCsv({ rows, columns, delimiter, guardFormulas: false });
        assert.deepEqual(csvToJson({ csv, delimiter, types: false }).rows, rows);
      },
    ),
  );
});
