import { isolate } from "@berth/engine-isolate";

import { hostileSuite } from "../../../../packages/sandbox/conformance/hostile/hostile-suite.ts";

hostileSuite(isolate(), "minimal");
