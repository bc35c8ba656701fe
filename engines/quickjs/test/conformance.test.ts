import { quickjs } from "@berth/engine-quickjs";

import { behaviourSuite } from "../../../packages/sandbox/conformance/behaviour.ts";
import { CONTRACT_JAVASCRIPT, contractSuite } from "../../../packages/sandbox/conformance/contract.ts";

behaviourSuite(quickjs());
await contractSuite(quickjs(), { code: new TextEncoder().encode(CONTRACT_JAVASCRIPT), sourceName: "plugin.js" });
