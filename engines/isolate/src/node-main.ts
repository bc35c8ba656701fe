// Entry of the sandbox-host process for V8 isolates. Built into one file during set-up.
import { readFileSync } from "node:fs";

import { runSandboxHost } from "@berth/sandbox/sandbox-host";

import { makeIsolateEngine } from "./isolate-engine.ts";

// The built script leaves `berthGuest`; inside a function it leaves nothing behind in the global scope.
const library = readFileSync(new URL("guest.js", import.meta.url), "utf8");
runSandboxHost(makeIsolateEngine(`(() => { ${library}\nreturn berthGuest.boot; })()`));
