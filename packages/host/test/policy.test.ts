import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { DEFAULT_POLICY, parsePolicy } from "@berth/host";

import { completePolicy, keepPolicies, policyFor } from "../src/policy.ts";

const folder = join(import.meta.dirname, "../../../docs/guide/policies");
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

test("reads every example, and each keeps its promise", () => {
  assert.deepEqual(readdirSync(folder).toSorted(), ["bank.json", "laptop.json", "team.json"]);
  const policyOf = (name: string): ReturnType<typeof parsePolicy> =>
    parsePolicy(readFileSync(join(folder, `${name}.json`)));
  assert.ok(policyFor(policyOf("laptop"), "acme.demo").deny.has("system_exec"));
  assert.equal(policyFor(policyOf("team"), "acme.demo").grants.length, 0);
  assert.equal(policyFor(policyOf("team"), "team.wiki").grants.length, 1);
  assert.equal(policyFor(policyOf("bank"), "acme.demo").level, "isolated");
});

test("what is left out takes its default", () => {
  assert.deepEqual(parsePolicy(encode("{}")), DEFAULT_POLICY);
});

test("plugins that the same rules fit share one policy, and it is theirs", () => {
  const policy = completePolicy({
    deny: ["system_exec"],
    rules: [
      { plugins: ["acme.*"], level: "strict" },
      { plugins: ["acme.risky"], level: "isolated" },
    ],
  });
  const kept = keepPolicies(policy);
  for (const id of ["acme.demo", "acme.risky", "other.demo", "acme.demo"])
    assert.deepEqual(kept(id), policyFor(policy, id));
  assert.equal(kept("acme.one"), kept("acme.two"));
  assert.notEqual(kept("acme.one"), kept("acme.risky"));
});

test("a rule raises a level and never lowers it", () => {
  const rules = [
    { plugins: ["acme.*"], level: "minimal" },
    { plugins: ["acme.risky"], level: "strict" },
  ];
  const policy = parsePolicy(encode(JSON.stringify({ rules })));
  assert.equal(policyFor(policy, "acme.demo").level, "standard");
  assert.equal(policyFor(policy, "acme.risky").level, "strict");
  assert.equal(policyFor(policy, "acmee.risky").level, "standard");
});

test("refuses what is no policy, by place", () => {
  for (const [text, message] of [
    ["{", /line 1, column 2/],
    ['{"deny": []} x', /line 1/],
    ['{"deny": [], "deny": []}', /twice/],
    ['{"level": "lax"}', /level/],
    ['{"__proto__": {"level": "minimal"}}', /policy/],
    ['{"rules": [{"plugins": ["a*b"]}]}', /rules.0.plugins.0/],
    ['{"grants": [{"name": "system_exec"}]}', /grants.0/],
  ] as const)
    assert.throws(() => parsePolicy(encode(text)), { code: "HOST_POLICY_INVALID", message }, text);
});

test("a rule names plugins, one publisher or everybody, never a publisher whose name begins alike", () => {
  const of = (pattern: string): unknown => completePolicy({ rules: [{ plugins: [pattern] }], preload: [pattern] });
  for (const pattern of ["*", "acme.*", "acme-two.*", "acme.demo"]) assert.ok(of(pattern));
  for (const pattern of ["acme*", "acme", "acme.", "acme.de*", ".*", "*.demo", "acme.**", "Acme.*", "", "a..*"])
    assert.throws(() => of(pattern), { code: "HOST_POLICY_INVALID" }, pattern);
});
