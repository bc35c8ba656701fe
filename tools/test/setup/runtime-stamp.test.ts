import assert from "node:assert/strict";
import { rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { isRuntimeFresh } from "../../setup/runtime-stamp.mjs";
import { isAsBuilt, noteTimes, timesNow } from "../../setup/runtime-times.mjs";
import { makeTree } from "../tree.ts";

const makeBuilt = (): { root: string; file: string } => {
  const root = makeTree({ "a.ts": "one", "b.ts": "two", ".toolchain/runtime-inputs": "a.ts\nb.ts\n" });
  noteTimes(root, timesNow(root) ?? assert.fail());
  return { root, file: join(root, "a.ts") };
};

test("a file of another size or time is noticed, also one that is older", () => {
  const { root, file } = makeBuilt();
  assert.ok(isAsBuilt(root));
  const { atime, mtime } = statSync(file);
  // An archive that was unpacked over the clone brings times of its own.
  const older = new Date(mtime.getTime() - 86_400_000);
  utimesSync(file, atime, older);
  assert.ok(!isAsBuilt(root));
  utimesSync(file, atime, mtime);
  writeFileSync(file, "longer");
  utimesSync(file, atime, mtime);
  assert.ok(!isAsBuilt(root));
});

test("a missing file, and a build that was not finished, are noticed", () => {
  const { root, file } = makeBuilt();
  rmSync(file);
  assert.ok(!isAsBuilt(root));
  const unfinished = makeTree({ "a.ts": "one", ".toolchain/runtime-inputs": "a.ts\n" });
  assert.ok(!isAsBuilt(unfinished) && !isRuntimeFresh(unfinished));
  assert.ok(!isAsBuilt(makeTree({ "a.ts": "one" })));
});
