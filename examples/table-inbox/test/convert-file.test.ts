import assert from "node:assert/strict";
import test from "node:test";

import { jsonNameOf } from "../src/convert-file.ts";

test("only CSV files have a name in the outbox", () => {
  assert.equal(jsonNameOf("prices.csv"), "prices.json");
  assert.equal(jsonNameOf("a.b.csv"), "a.b.json");
  for (const file of [".csv", "prices.CSV", "prices.csv.bak", "csv"]) assert.equal(jsonNameOf(file), undefined, file);
});
