import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";

const FIXTURE = join(import.meta.dirname, "fixtures/start-up-image.ts");

function isSameHeap(flags: readonly string[]): boolean {
  const text = execFileSync(process.execPath, [...flags, FIXTURE], { encoding: "utf8" });
  return (JSON.parse(text) as { isSameHeap: boolean }).isSameHeap;
}

test("isolates and their process have the same read-only heap with the flags of the engine", () => {
  assert.ok(isolate().nodeFlags.includes("--no-node-snapshot"));
  assert.equal(isSameHeap(isolate().nodeFlags), true);
});

// When this fails, Node and isolated-vm have come to agree: the flag, which doubles the time of a start, may go.
test("they have not without --no-node-snapshot, so the flag is still needed", () => {
  assert.equal(isSameHeap(isolate().nodeFlags.filter((flag) => flag !== "--no-node-snapshot")), false);
});
