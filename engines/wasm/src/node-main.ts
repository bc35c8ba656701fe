// Entry of the sandbox-host process for WebAssembly plugins whose instances stay. Built into one file during set-up.
import { runSandboxHost } from "@berth/sandbox/sandbox-host";

import { nodePowers } from "./node-powers.ts";
import { makeWasmEngine } from "./wasm-engine.ts";

runSandboxHost(makeWasmEngine({ isFresh: false, powers: nodePowers() }));
