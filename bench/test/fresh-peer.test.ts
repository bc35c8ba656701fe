import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { openLinePipe } from "../line-pipe.ts";

const PEER = join(import.meta.dirname, "../peers/fresh-peer.ts");
const WASM = join(import.meta.dirname, "../../engines/wasm/test/fixtures/extism-echo.wasm");
const CODE = "var berthPlugin = { actions: { echo: (input) => input } };";

const flagsOf = (name: string): string[] => (name === "isolate" ? ["--no-node-snapshot"] : []);

for (const name of ["quickjs", "isolate", "extism"]) {
  test(`the ${name} peer of fresh-state answers each line with that line`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "berth-peer-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "plugin.js");
    writeFileSync(file, CODE);
    const pipe = openLinePipe([...flagsOf(name), PEER, name, name === "extism" ? WASM : file]);
    t.after(() => pipe.end());
    for (const text of ["one", "two"]) {
      const line = JSON.stringify({ text });
      assert.equal(await pipe.ask(line), line);
    }
  });
}
