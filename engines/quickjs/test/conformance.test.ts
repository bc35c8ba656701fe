import { quickjs } from "@berth/engine-quickjs";

import { behaviourSuite } from "../../../packages/sandbox/conformance/behaviour.ts";
import { CONTRACT_JAVASCRIPT, contractSuite } from "../../../packages/sandbox/conformance/contract.ts";
import { escapeSuite } from "../../../packages/sandbox/conformance/hostile/escape.ts";
import { removedGlobalsSuite } from "../../../packages/sandbox/conformance/hostile/removed-globals.ts";
import { withinCallsSuite } from "../../../packages/sandbox/conformance/hostile/within-calls.ts";

behaviourSuite(quickjs(), {
  "kills native work that nothing interrupts, and goes on":
    "QuickJS refuses bigints of more than a million bits at once; hostile.test.ts has work that nothing interrupts",
});
escapeSuite(quickjs(), {
  "call sites of an error show no function and no object of the library":
    "QuickJS shows functions of strict code too; what the library enforces is enforced again outside the machine",
});
removedGlobalsSuite(quickjs());
withinCallsSuite(quickjs(), {
  "an error in a timer fails the only call under way, and none when there are two":
    "a process runs one call at a time, so there are never two",
  "a rejection that nobody handles fails the only call under way, and none when there are two":
    "a process runs one call at a time, so there are never two",
});
await contractSuite(quickjs(), { code: new TextEncoder().encode(CONTRACT_JAVASCRIPT), sourceName: "plugin.js" });
