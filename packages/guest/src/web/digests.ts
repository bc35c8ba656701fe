// A part of the library that is loaded when a plugin first asks for a digest. Built into a script of its own.
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import type { Digest } from "./crypto.ts";

/** By the names of Web Cryptography (18.2). Pure JavaScript, so that a digest pays from the call's budgets. */
export const make = (): Record<string, Digest> => ({
  "SHA-1": sha1,
  "SHA-256": sha256,
  "SHA-384": sha384,
  "SHA-512": sha512,
});
