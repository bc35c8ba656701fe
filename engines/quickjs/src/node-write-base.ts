// Writes `base.image` beside the files that it is made from: node node-write-base.ts (after tools/build-runtime.ts
// has written those).
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatBaseFile } from "./base-file.ts";
import { makeBaseMachine } from "./base-machine.ts";
import { readBuiltFiles } from "./node-built-files.ts";

const pathOf = (name: string): string => join(import.meta.dirname, "../dist-runtime", name);
const { wasm, guestScript } = readBuiltFiles(pathOf);
writeFileSync(pathOf("base.image"), formatBaseFile(makeBaseMachine(wasm, guestScript), wasm, guestScript));
