// Grants, revocations, answers of persons, ends of grants, updates, policies and restarts in any order: what a plugin
// may do is always manifest ∩ policy ∩ grant ∩ caller, written down here a second time.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host, PermissionAnswer } from "@berth/host";
import { covers, formatPermission, statedPermissionSchema } from "@berth/spec";
import type { Permission, PermissionName } from "@berth/spec";
import fc from "fast-check";

import { makePackage } from "../fixture.ts";

const ID = "acme.demo";
const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async see(name, ctx) { try { return await ctx.secrets.reveal(name); } catch (error) { return error.details?.term ?? error.code; } },
  hasAll: (all, ctx) => Promise.all(all.map((each) => ctx.permissions.has(each))),
} };`;

const stated = (each: object): Permission => statedPermissionSchema.parse(each);
const secrets = (names: readonly string[], reveal = true): Permission =>
  stated({ name: "secrets_access", names, reveal });
const hosts = (...names: string[]): Permission => stated({ name: "network_restricted", hosts: names });
const files = (...globs: string[]): Permission => stated({ name: "file_system_read", roots: ["/data"], globs });

/** What is granted, revoked and asked about. */
const PERMISSIONS = [
  secrets(["one"]),
  secrets(["two"]),
  secrets(["one", "two"]),
  secrets(["one"], false),
  hosts("a.example"),
  hosts("*.example"),
  files("*.csv"),
  files("a.csv"),
];
/** What releases ask for, each permission optional. */
const MANIFESTS = [
  [secrets(["one", "two"]), hosts("*.example"), files("*.csv")],
  [secrets(["one"]), secrets(["two"]), files("a.csv", "b.csv")],
  [secrets(["one"], false), hosts("a.example")],
  [hosts("a.example", "b.example"), secrets(["two"])],
];
interface Operators {
  readonly deny: readonly PermissionName[];
  readonly ceilings: readonly Permission[];
  readonly grants: readonly Permission[];
}
const POLICIES: readonly Operators[] = [
  { deny: [], ceilings: [], grants: [] },
  { deny: ["network_restricted"], ceilings: [], grants: [secrets(["two"])] },
  { deny: [], ceilings: [secrets(["one"]), hosts("a.example")], grants: [files("*.csv")] },
  { deny: ["secrets_access"], ceilings: [files("a.csv")], grants: [hosts("a.example")] },
];
const CALLERS: Readonly<Record<string, readonly Permission[]>> = {
  ann: PERMISSIONS,
  bob: [secrets(["two"]), hosts("a.example")],
  eve: [],
};
const HOUR_MS = 3_600_000;

const permission = fc.constantFrom(...PERMISSIONS);
const caller = fc.constantFrom(undefined, ...Object.keys(CALLERS));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("grant" as const), permission, hours: fc.constantFrom(0, 1, 3) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("revoke" as const), permission }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revokeAll" as const), permission }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.constantFrom(1, 2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("see" as const),
      name: fc.constantFrom("one", "two"),
      caller,
      answer: fc.constantFrom<PermissionAnswer>("once", "session", "always", "never"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("update" as const), manifest: fc.constantFrom(...MANIFESTS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const), policy: fc.constantFrom(...POLICIES) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

const textOf = formatPermission;

/** What everybody agreed to so far, in words of the definition. */
class Model {
  nowMs = Date.parse("2026-06-01T00:00:00.000Z");
  manifest: readonly Permission[] = [];
  policy = POLICIES[0] as Operators;
  grants: { readonly permission: Permission; readonly endsAtMs: number }[] = [];
  session = new Map<string, { readonly permission: Permission; readonly isGranted: boolean }>();

  held(): Permission[] {
    this.grants = this.grants.filter(({ endsAtMs }) => endsAtMs > this.nowMs);
    return [...this.grants, ...[...this.session.values()].filter(({ isGranted }) => isGranted)].map(
      (each) => each.permission,
    );
  }

  may(wanted: Permission, by: string | undefined, granted = [...this.held(), ...this.policy.grants]): boolean {
    const covered = (all: readonly Permission[]): boolean => all.some((each) => covers(each, wanted));
    const { deny, ceilings } = this.policy;
    return (
      covered(this.manifest) &&
      !deny.includes(wanted.name) &&
      (!ceilings.some(({ name }) => name === wanted.name) || covered(ceilings)) &&
      covered(granted) &&
      (by === undefined || covered(CALLERS[by] ?? []))
    );
  }

  /** What is asked of a person before a use; `undefined`: nobody is asked. */
  questionFor(wanted: Permission, by: string | undefined): Permission | undefined {
    const declared = this.manifest.find((each) => covers(each, wanted));
    if (declared === undefined || this.may(wanted, by) || this.session.has(textOf(declared))) return undefined;
    return this.may(wanted, by, [declared]) ? declared : undefined;
  }

  grant(granted: Permission, endsAtMs: number): boolean {
    const isAllowed = this.manifest.some((each) => covers(each, granted)) && !this.policy.deny.includes(granted.name);
    if (!isAllowed) return false;
    this.grants = this.grants.filter((each) => textOf(each.permission) !== textOf(granted));
    this.grants.push({ permission: granted, endsAtMs });
    return true;
  }

  revoke(isMeant: (each: Permission) => boolean): void {
    this.grants = this.grants.filter((each) => !isMeant(each.permission));
    for (const [key, { permission: each, isGranted }] of this.session)
      if (isGranted && isMeant(each)) this.session.delete(key);
  }

  update(manifest: readonly Permission[]): void {
    this.held();
    this.manifest = manifest;
    // A release holds what it asks for and what was granted covers; the rest is asked for anew.
    this.grants = manifest.flatMap((asked) => {
      const before = this.grants.find((each) => covers(each.permission, asked));
      return before === undefined ? [] : [{ permission: asked, endsAtMs: before.endsAtMs }];
    });
  }
}

/** A host, what is expected of it, and the answer that a person would give. */
class Trial {
  readonly model = new Model();
  readonly #dataDir: string;
  #host: Host<string> | undefined;
  #answer: PermissionAnswer = "never";
  #asked: string[] = [];
  #version = 0;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  get host(): Host<string> {
    assert.ok(this.#host);
    return this.#host;
  }

  async open(policy: Operators): Promise<void> {
    await this.close();
    this.model.policy = policy;
    this.model.session.clear();
    this.#host = await openHost<string>({
      dataDir: this.#dataDir,
      engines: [isolate()],
      policy: { deny: [...policy.deny], ceilings: [...policy.ceilings], grants: [...policy.grants] },
      now: () => new Date(this.model.nowMs),
      rightsOf: (name) => CALLERS[name] ?? [],
      askPermission: async ({ permission: asked }) => {
        this.#asked.push(textOf(asked));
        return this.#answer;
      },
    });
  }

  async close(): Promise<void> {
    await this.#host?.close();
    this.#host = undefined;
  }

  async update(manifest: readonly Permission[]): Promise<void> {
    const { host, model } = this;
    this.#version += 1;
    const plan = await host.plan(
      makePackage({
        version: `1.0.${this.#version}`,
        code: CODE,
        manifest: {
          permissions: manifest.map((each) => ({ ...each, optional: true, reason: "to test" })),
          secrets: ["one", "two"],
          contributes: { actions: { see: any, hasAll: any } },
        },
      }),
    );
    await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
    model.update(manifest);
  }

  async take(each: Step): Promise<void> {
    const { host, model } = this;
    switch (each.do) {
      case "grant": {
        const endsAtMs = each.hours === 0 ? Infinity : model.nowMs + each.hours * HOUR_MS;
        const options = each.hours === 0 ? {} : { expiresAt: new Date(endsAtMs).toISOString() };
        const done = host.grant(ID, each.permission, options);
        if (model.grant(each.permission, endsAtMs)) await done;
        else await assert.rejects(done, { code: "HOST_GRANT_REFUSED" });
        return;
      }
      case "revoke":
        await host.revoke(ID, each.permission);
        return model.revoke((held) => covers(held, each.permission) || covers(each.permission, held));
      case "revokeAll":
        await host.revoke(ID, each.permission.name);
        return model.revoke(({ name }) => name === each.permission.name);
      case "wait":
        model.nowMs += each.hours * HOUR_MS;
        return;
      case "see":
        return this.#see(each);
      case "update":
        return this.update(each.manifest);
      case "reopen":
        return this.open(each.policy);
    }
  }

  async #see({ name, caller: by, answer }: Extract<Step, { do: "see" }>): Promise<void> {
    const { host, model } = this;
    const wanted = secrets([name]);
    const question = model.questionFor(wanted, by);
    this.#answer = answer;
    this.#asked = [];
    const seen = await host.call(ID, "see", name, by === undefined ? {} : { caller: by });
    assert.deepEqual(this.#asked, question === undefined ? [] : [textOf(question)]);
    const may = question === undefined ? model.may(wanted, by) : answer !== "never";
    assert.equal(seen === `value of ${name}`, may, String(seen));
    if (question === undefined || answer === "once") return;
    if (answer === "always") model.grant(question, Infinity);
    else model.session.set(textOf(question), { permission: question, isGranted: answer === "session" });
  }

  /** Everything that can be asked about holds for everybody exactly when the definition says so. */
  async verify(): Promise<void> {
    for (const by of [undefined, ...Object.keys(CALLERS)]) {
      const has = await this.host.call(ID, "hasAll", PERMISSIONS, by === undefined ? {} : { caller: by });
      assert.deepEqual(
        has,
        PERMISSIONS.map((each) => this.model.may(each, by)),
        String(by),
      );
    }
    const held = this.model.grants.filter(({ endsAtMs }) => endsAtMs > this.model.nowMs);
    assert.deepEqual(
      new Set((await this.host.grants(ID)).map((each) => textOf(each.permission))),
      new Set(held.map((each) => textOf(each.permission))),
    );
  }
}

const both = secrets(["one", "two"]);
/** What chance may take long to come to. */
const EXAMPLES: [(typeof MANIFESTS)[number], Operators, Step[]][] = [
  [
    [both],
    POLICIES[0] as Operators,
    [
      { do: "grant", permission: both, hours: 0 },
      { do: "revoke", permission: secrets(["one"]) },
      { do: "see", name: "one", caller: undefined, answer: "session" },
      { do: "revokeAll", permission: both },
      { do: "see", name: "two", caller: "ann", answer: "session" },
      { do: "revoke", permission: secrets(["one"]) },
      { do: "see", name: "one", caller: "eve", answer: "always" },
      { do: "see", name: "one", caller: "bob", answer: "never" },
      { do: "see", name: "one", caller: undefined, answer: "never" },
      { do: "revoke", permission: both },
      { do: "see", name: "one", caller: undefined, answer: "always" },
    ],
  ],
];

test("whatever is granted, taken back, answered, updated and changed by the operator, rights are what the definition says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MANIFESTS),
      fc.constantFrom(...POLICIES),
      fc.array(step, { minLength: 4, maxLength: 16 }),
      async (manifest, policy, steps) => {
        const dataDir = await mkdtemp(join(tmpdir(), "berth-grants-"));
        const trial = new Trial(dataDir);
        try {
          await trial.open(policy);
          await trial.update(manifest);
          for (const name of ["one", "two"]) await trial.host.setSecret(ID, name, `value of ${name}`);
          await trial.verify();
          for (const each of steps) {
            await trial.take(each);
            await trial.verify();
          }
        } finally {
          await trial.close();
          await rm(dataDir, { recursive: true });
        }
      },
    ),
    { numRuns: 12, examples: EXAMPLES },
  );
});
