import { quickjs } from "@berth/engine-quickjs";

import { behaviourSuite } from "../../../packages/sandbox/conformance/behaviour.ts";
import { CONTRACT_JAVASCRIPT, contractSuite } from "../../../packages/sandbox/conformance/contract.ts";
import { removedGlobalsSuite } from "../../../packages/sandbox/conformance/hostile/removed-globals.ts";

behaviourSuite(quickjs());
removedGlobalsSuite(quickjs());
await contractSuite(quickjs(), { code: new TextEncoder().encode(CONTRACT_JAVASCRIPT), sourceName: "plugin.js" });
