import { isolate } from "@berth/engine-isolate";

import { behaviourSuite } from "../../../packages/sandbox/conformance/behaviour.ts";

behaviourSuite(isolate());
