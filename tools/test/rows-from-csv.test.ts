import assert from "node:assert/strict";
import test from "node:test";

import { rowsFromCsv } from "../rows-from-csv.mjs";

test("numbers become numbers, empty cells null, and the rest stays text", () => {
  assert.deepEqual(rowsFromCsv("a,b,c\n1,-2.5e3,x\r\n,2012-01-01,1.2.3\n"), [
    { a: 1, b: -2_500, c: "x" },
    { a: null, b: "2012-01-01", c: "1.2.3" },
  ]);
});

test("refuses what it would read wrongly", () => {
  assert.throws(() => rowsFromCsv('a\n"x"\n'), /quoted cells/);
  assert.throws(() => rowsFromCsv("a,b\n1\n"), /line 2 has 1 cells, expected 2/);
});
