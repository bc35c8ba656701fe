// Entry of the sandbox-host process for QuickJS. Built into one file during set-up.
import { runSandboxHost, runtimeFile } from "@berth/sandbox/sandbox-host";

import { loadBaseMachine, readBuiltFiles } from "./node-built-files.ts";
import { nodePowers } from "./node-powers.ts";
import { makeQuickJsEngine } from "./quickjs-engine.ts";

const files = readBuiltFiles(runtimeFile);
runSandboxHost(makeQuickJsEngine(loadBaseMachine(files), nodePowers(files.partScripts)));
