import assert from "node:assert/strict";
import test from "node:test";

import { covers, statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";
import fc from "fast-check";

import { policyFor } from "../../src/policy.ts";
import { completePolicy } from "../../src/policy.ts";
import { decideRight, isDenial } from "../../src/rights/decide-right.ts";
import type { RightTerms } from "../../src/rights/decide-right.ts";

const some = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => fc.subarray(items, { minLength: 1 });

const permission: fc.Arbitrary<Permission> = fc
  .oneof(
    fc.record({
      name: fc.constant("network_restricted"),
      hosts: some("a.example.com", "b.example.com", "*.example.com"),
      ports: some(443, 8443),
      methods: some("GET", "POST"),
      bytesPerDay: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ name: fc.constant("secrets_access"), names: some("one", "two"), reveal: fc.boolean() }),
    fc.record({
      name: fc.constant("file_system_read"),
      roots: some("/data", "/data/in"),
      maxBytes: fc.constantFrom(1, 2),
    }),
  )
  .map((each) => statedPermissionSchema.parse(each));

const permissions = fc.array(permission, { maxLength: 4 });

const terms: fc.Arbitrary<RightTerms> = fc.record({
  manifest: permissions,
  policy: fc
    .record({
      deny: fc.subarray(["network_restricted", "secrets_access"] as const),
      ceilings: permissions,
      grants: permissions,
    })
    .map((policy) => policyFor(completePolicy(policy), "acme.demo")),
  grants: permissions,
  caller: fc.option(permissions, { nil: undefined }),
});

/** The definition, written down a second time: every party covers what is wanted. */
function mayByDefinition(wanted: Permission, { manifest, policy, grants, caller }: RightTerms): boolean {
  const covered = (held: readonly Permission[]): boolean => held.some((each) => covers(each, wanted));
  const isUnder = policy.ceilings.every(
    (ceilings) => !ceilings.some(({ name }) => name === wanted.name) || covered(ceilings),
  );
  return (
    covered(manifest) &&
    !policy.deny.has(wanted.name) &&
    isUnder &&
    covered(grants) &&
    (caller === undefined || covered(caller))
  );
}

test("a right holds exactly when manifest, policy, grant and caller all cover it", () => {
  fc.assert(
    fc.property(permission, terms, (wanted, all) => {
      assert.equal(!isDenial(decideRight(wanted, all)), mayByDefinition(wanted, all));
    }),
    { numRuns: 2_000 },
  );
});

test("whoever may do more may do less", () => {
  fc.assert(
    fc.property(permission, permission, terms, (more, less, all) => {
      fc.pre(covers(more, less));
      if (!isDenial(decideRight(more, all))) assert.ok(!isDenial(decideRight(less, all)));
    }),
    { numRuns: 2_000 },
  );
});

test("narrowing any party never widens the right, and a denial names a party that denies", () => {
  fc.assert(
    fc.property(permission, terms, fc.nat(3), (wanted, all, which) => {
      const narrowed: RightTerms = {
        ...all,
        ...(which === 0 && { manifest: all.manifest.slice(1) }),
        ...(which === 1 && { grants: all.grants.slice(1) }),
        ...(which === 2 && { caller: (all.caller ?? [wanted]).slice(1) }),
        ...(which === 3 && { policy: { ...all.policy, deny: new Set([...all.policy.deny, wanted.name]) } }),
      };
      const decision = decideRight(wanted, all);
      if (!isDenial(decideRight(wanted, narrowed))) assert.ok(!isDenial(decision));
      if (!isDenial(decision)) return;
      const everything = { manifest: [wanted], grants: [wanted], caller: undefined };
      const onlyTheTerm: RightTerms = {
        ...everything,
        policy: policyFor(completePolicy({}), "acme.demo"),
        ...(decision.term === "manifest" && { manifest: all.manifest }),
        ...(decision.term === "policy" && { policy: all.policy }),
        ...(decision.term === "grant" && { grants: all.grants }),
        ...(decision.term === "caller" && { caller: all.caller }),
      };
      assert.ok(isDenial(decideRight(wanted, onlyTheTerm)), "the named party alone denies");
    }),
    { numRuns: 2_000 },
  );
});
