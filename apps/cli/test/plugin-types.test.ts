import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { parseManifest } from "@berth/spec";

import { TYPES_FILE, formatPluginTypes } from "../src/plugin-types.ts";

const examples = join(import.meta.dirname, "../../../examples");

// `berth pack` writes the types anew: an example whose kept types differ would change under its reader's hands.
// Programs that embed the host have no manifest.
for (const name of readdirSync(examples).filter((each) => existsSync(join(examples, each, "manifest.json")))) {
  test(`the types kept with the example ${name} are those that \`berth types\` writes`, () => {
    const folder = join(examples, name);
    const manifest = parseManifest(readFileSync(join(folder, "manifest.json")));
    const kept = readFileSync(join(folder, manifest.runtime.entry, "..", TYPES_FILE), "utf8");
    assert.equal(kept, formatPluginTypes(manifest));
  });
}
