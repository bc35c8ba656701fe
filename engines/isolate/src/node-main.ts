// Entry of the sandbox-host process for V8 isolates. Built into one file during set-up.
import { readFileSync } from "node:fs";

import { runSandboxHost, runtimeFile } from "@berth/sandbox/sandbox-host";

import { makeIsolateEngine } from "./isolate-engine.ts";

// The built script leaves `berthGuest`; inside a function it leaves nothing behind in the global scope.
// Strict, else a plugin finds the library's functions through `caller` and the call sites of an error's stack.
const library = readFileSync(runtimeFile("guest.js"), "utf8");
runSandboxHost(makeIsolateEngine(`(() => { "use strict"; ${library}\nreturn berthGuest.boot; })()`));
