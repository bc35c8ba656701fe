// Entry of the sandbox-host process for V8 isolates. Built into one file during set-up.
import { readFileSync } from "node:fs";

import { LIBRARY_PARTS, formatPartScript } from "@berth/guest";
import { runSandboxHost, runtimeFile } from "@berth/sandbox/sandbox-host";

import { makeIsolateEngine } from "./isolate-engine.ts";

// One time zone on every machine. V8 reads it when an isolate is made.
process.env["TZ"] = "UTC";

/** Loaded when a plugin first draws: it would make every start longer, and few plugins do. */
let randomBytes: ((count: number) => Buffer) | undefined;
const randomText = (count: number): string => {
  randomBytes ??= process.getBuiltinModule("node:crypto").randomBytes;
  return randomBytes(count).toString("latin1");
};

const read = (name: string): string => readFileSync(runtimeFile(name), "utf8");
runSandboxHost(
  makeIsolateEngine({
    // The built script leaves `berthGuest`; inside a function it leaves nothing behind in the global scope.
    // Strict, else a plugin finds the library's functions through `caller` and the call sites of an error's stack.
    guestScript: `(() => { "use strict"; ${read("guest.js")}\nreturn berthGuest.boot; })()`,
    partScripts: new Map(LIBRARY_PARTS.map((part) => [part, formatPartScript(read(`${part}.js`))])),
    randomText,
  }),
);
