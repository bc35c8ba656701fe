// Entry of the sandbox-host process for WebAssembly plugins with a new instance for every call.
import { runSandboxHost } from "@berth/sandbox/sandbox-host";

import { nodePowers } from "./node-powers.ts";
import { makeWasmEngine } from "./wasm-engine.ts";

runSandboxHost(makeWasmEngine({ isFresh: true, powers: nodePowers() }));
