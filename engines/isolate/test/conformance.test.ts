import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { machineWalls } from "@berth/sandbox";

import { behaviourSuite } from "../../../packages/sandbox/conformance/behaviour.ts";
import { CONTRACT_JAVASCRIPT, contractSuite } from "../../../packages/sandbox/conformance/contract.ts";
import { removedGlobalsSuite } from "../../../packages/sandbox/conformance/hostile/removed-globals.ts";

const { full } = await machineWalls(isolate());
for (const level of isolate().levels) {
  if (level === "isolated" && full.kind === "missing")
    test("isolate at isolated", { skip: full.missing.why }, () => {});
  else behaviourSuite(isolate(), {}, level);
}
removedGlobalsSuite(isolate());
await contractSuite(isolate(), { code: new TextEncoder().encode(CONTRACT_JAVASCRIPT), sourceName: "plugin.js" });
