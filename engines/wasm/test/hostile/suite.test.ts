import { wasm, wasmFresh } from "@berth/engine-wasm";
import { machineWalls } from "@berth/sandbox";

import { hostileSuite } from "../../../../packages/sandbox/conformance/hostile/hostile-suite.ts";
import { KIT, WASM_ATTACKS } from "./attacks.ts";

const { full } = await machineWalls(wasm());
for (const engine of [wasm(), wasmFresh()])
  for (const level of engine.levels) {
    const skip = level === "isolated" && full.kind === "missing" && full.missing.why;
    hostileSuite(engine, level, { attacks: WASM_ATTACKS, honest: KIT, skip });
  }
