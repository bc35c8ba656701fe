import { ResolveError } from "@berth/resolver";
import type { ResolveRequest } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "./builders.ts";

const wrong: Readonly<Record<string, Partial<ResolveRequest>>> = {
  "a root that is no range": { roots: { a: "newest" } },
  "a root without a name": { roots: { "": "*" } },
  "an override that is no range": { policy: { overrides: { a: "newest" } } },
  "a constraint that is no range": { policy: { constraints: { a: "newest" } } },
  "a lock entry that is a range": { locked: { a: "^1.0.0" } },
  "a lock entry with an endless name": { locked: { ["a".repeat(257)]: "1.0.0" } },
  "a revocation that is no range": { revoked: [{ plugin: "a", range: "newest" }] },
  "an API version that is a range": { host: { api: "^1.0.0" } },
  "a minimum age without the present": { policy: { minimumAgeMs: 1 } },
  "a minimum age below nothing": { policy: { minimumAgeMs: -1 }, nowMs: 0 },
  "a minimum age that is no number": { policy: { minimumAgeMs: NaN }, nowMs: 0 },
  "a rule that does not exist": { policy: JSON.parse('{"yanked":"maybe"}') as object },
  "a direction that does not exist": { policy: JSON.parse('{"direction":"sideways"}') as object },
  "a level that does not exist": { host: JSON.parse('{"highestLevel":"paranoid"}') as object },
};

for (const [what, request] of Object.entries(wrong)) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => serve("a", "1.0.0").resolve({ a: "*" }, request as Omit<ResolveRequest, "roots">),
      (error: unknown) => error instanceof ResolveError && error.code === "RESOLVE_REQUEST_INVALID",
    );
  });
}
