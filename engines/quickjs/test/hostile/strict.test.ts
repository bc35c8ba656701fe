import { quickjs } from "@berth/engine-quickjs";

import { hostileSuite } from "../../../../packages/sandbox/conformance/hostile/hostile-suite.ts";

// The other kinds are played in full inside the engine, by `limits.test.ts`, where they cost no process.
hostileSuite(quickjs(), "strict", { inFull: ["escape", "bridge"] });
