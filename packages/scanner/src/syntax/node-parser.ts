import { createRequire } from "node:module";
import type * as Oxc from "oxc-parser";

const require = createRequire(import.meta.url);
let parser: typeof Oxc | undefined;

/** The parser, loaded with the first source as it comes with native code: a host reads policies for scans far more often. */
export const loadParser = (): typeof Oxc => (parser ??= require("oxc-parser") as typeof Oxc);
