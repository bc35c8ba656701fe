import { readFileSync } from "node:fs";

import { LIBRARY_PARTS, formatPartScript } from "@berth/guest";

import { tryParseBaseFile } from "./base-file.ts";
import { makeBaseMachine } from "./base-machine.ts";
import type { BaseMachine } from "./base-machine.ts";

/** What set-up leaves in `dist-runtime`. */
export interface BuiltFiles {
  readonly wasm: Uint8Array;
  readonly guestScript: string;
  readonly partScripts: ReadonlyMap<string, string>;
  /** Missing in a build that is under way. */
  readonly baseFile: Uint8Array | undefined;
}

/** `pathOf` tells where each of them lies. */
export function readBuiltFiles(pathOf: (name: string) => string): BuiltFiles {
  const library = readFileSync(pathOf("guest.js"), "utf8");
  return {
    wasm: readFileSync(pathOf("quickjs.wasm")),
    // The built script leaves `berthGuest`; inside a function it leaves nothing behind in the global scope.
    // Strict, else a plugin finds the library's functions through `caller`.
    guestScript: `(() => { "use strict"; ${library}\nreturn berthGuest.boot; })()`,
    partScripts: new Map(
      LIBRARY_PARTS.map((part) => [part, formatPartScript(readFileSync(pathOf(`${part}.js`), "utf8"))]),
    ),
    baseFile: tryRead(pathOf("base.image")),
  };
}

/** The base as it was written down, if that can be believed; else made anew, which takes longer and gives the same. */
export function loadBaseMachine({ wasm, guestScript, baseFile }: BuiltFiles): BaseMachine {
  const written = baseFile && tryParseBaseFile(baseFile, wasm, guestScript);
  return written ?? makeBaseMachine(wasm, guestScript);
}

function tryRead(file: string): Uint8Array | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
