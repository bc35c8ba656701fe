import { isolate } from "@berth/engine-isolate";
import { machineWalls } from "@berth/sandbox";

import { hostileSuite } from "../../../../packages/sandbox/conformance/hostile/hostile-suite.ts";

const { full } = await machineWalls(isolate());
hostileSuite(isolate(), "isolated", { skip: full.kind === "missing" && full.missing.why });
