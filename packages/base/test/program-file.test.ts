import assert from "node:assert/strict";
import test from "node:test";

import { programFile } from "@berth/base";

test("a program stands beside the module that starts it, or is built from its source", () => {
  assert.equal(
    programFile("file:///src/a%20b/packages/store/src/deep/node-store.ts", "worker"),
    "file:///src/a%20b/packages/store/dist-runtime/worker.js",
  );
  assert.equal(
    programFile("file:///x/node_modules/@berth/store/dist/deep/node-store.js", "worker"),
    "file:///x/node_modules/@berth/store/dist/deep/worker.js",
  );
});
