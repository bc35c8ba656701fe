import assert from "node:assert/strict";
import test from "node:test";

import { covers, fitsGlob, permissionOf, permissionSchema, statedPermissionSchema } from "@berth/spec";
import type { Permission, PermissionRequest } from "@berth/spec";
import fc from "fast-check";

import { LISTED, TOUCHED, fileLens } from "../../src/rights/file-use.ts";
import { suggestPermissions } from "../../src/rights/suggest.ts";

const some = <Item>(items: readonly Item[], maxLength = items.length): fc.Arbitrary<Item[]> =>
  fc.subarray([...items], { minLength: 1, maxLength });
const request = (each: object): PermissionRequest => permissionSchema.parse({ ...each, reason: "to test" });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const ROOTS = ["/", "/data", "/data/in", "/work"];
const GLOBS = ["**", "*.csv", "*", "in/**", "**/*.txt", "in/?.csv", "a*.csv", "a.csv", "deep/*/x*"];
const file = fc.oneof(
  fc.constantFrom("a.csv", "b.csv", "in/a.csv", "in/b.txt", ".hidden", "in/odd*?.csv", "**", "no\\dot", "in"),
  fc.tuple(fc.nat(60), fc.nat(60)).map(([folder, ending]) => `deep/d${folder}/x.e${ending}`),
  fc.nat(60).map((index) => `in/many${index}.csv`),
  fc.constant(`long/${"x".repeat(255)}`),
);
const path = fc.tuple(fc.constantFrom("/data", "/data/in", "/work"), file).map((parts) => parts.join("/"));

const fileUse = fc.record({
  name: fc.constantFrom("file_system_read" as const, "file_system_write" as const),
  path,
  isListed: fc.boolean(),
  create: fc.boolean(),
});
const declaredFiles = fc
  .record({
    name: fc.constantFrom("file_system_read" as const, "file_system_write" as const),
    roots: some(ROOTS),
    globs: some(GLOBS),
    create: fc.boolean(),
  })
  .map(({ create, ...each }) => request(each.name === "file_system_write" ? { ...each, create } : each));

function fileUseOf({
  name,
  path: at,
  isListed,
  create,
}: {
  name: string;
  path: string;
  isListed: boolean;
  create: boolean;
}): Permission {
  const common = { roots: [at], globs: isListed && name === "file_system_read" ? LISTED : TOUCHED };
  return name === "file_system_read"
    ? { name, ...common, maxBytes: 1 }
    : { name: "file_system_write", ...common, quotaBytes: 1, create, delete: false };
}

/** Whether the broker would let a use of files through. */
function allows(held: PermissionRequest, use: Permission): boolean {
  if (use.name !== "file_system_read" && use.name !== "file_system_write") return covers(permissionOf(held), use);
  const lens = fileLens(use.roots[0] ?? "", use.globs[0] === LISTED[0], { left: 1e7 }, fitsGlob);
  const seen = lens(permissionOf(held));
  return seen !== undefined && covers(seen, use);
}

/** What has to hold of every suggestion. */
function verifySuggestion(declared: readonly PermissionRequest[], uses: readonly Permission[]): void {
  const { permissions, unused, isComplete } = suggestPermissions(declared, uses, true);
  assert.ok(isComplete);
  assert.equal(permissions.length + unused.length, declared.length);
  for (const each of permissions) {
    assert.deepEqual(permissionSchema.parse(each), each, "stands in a manifest");
    assert.ok(
      declared.some((wide) => covers(permissionOf(wide), permissionOf(each))),
      "is covered by what was declared",
    );
  }
  for (const use of uses) {
    if (!declared.some((each) => allows(each, use))) continue;
    assert.ok(
      permissions.some((each) => allows(each, use)),
      JSON.stringify(use),
    );
  }
  const again = suggestPermissions(permissions, uses, true);
  assert.deepEqual([again.permissions, again.unused], [permissions, []], "nothing is left to narrow");
}

test("what is suggested for files is a manifest's, covered by the declaration, and lets every use through", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(declaredFiles, { minLength: 1, maxLength: 3, selector: (each) => JSON.stringify(each) }),
      fc.oneof(fc.array(fileUse, { maxLength: 6 }), fc.array(fileUse, { minLength: 30, maxLength: 120 })),
      (declared, uses) => verifySuggestion(declared, uses.map(fileUseOf)),
    ),
    { numRuns: 1_000 },
  );
});

/** A listing shows what it showed: what the declared globs let be seen in a folder, the suggested ones do too. */
test("a folder that was listed shows the same under the suggestion", () => {
  fc.assert(
    fc.property(declaredFiles, fc.array(fileUse, { minLength: 1, maxLength: 4 }), path, (declared, uses, entry) => {
      // Roots are folders, which every listing shows; none is a file in the folder above it.
      fc.pre(declared.name === "file_system_read" && !declared.roots.includes(entry));
      const folder = entry.slice(0, entry.lastIndexOf("/"));
      const listing = { name: "file_system_read", path: folder, isListed: true, create: false };
      const seen = fileUseOf({ ...listing, path: entry, isListed: false });
      const all = [listing, ...uses].map(fileUseOf);
      fc.pre(allows(declared, seen) && allows(declared, fileUseOf(listing)));
      const { permissions } = suggestPermissions([declared], all, true);
      assert.ok(
        permissions.some((each) => allows(each, seen)),
        JSON.stringify(permissions),
      );
    }),
    { numRuns: 300, maxSkipsPerRun: 1_000 },
  );
});

const HOSTS = numbers(100).map((index) => `h${index}.example.com`);
const TOPICS = numbers(100).map((index) => `acme.demo/e${index}`);
const perHour = 1;

/** A permission of every other kind, and one use of it. */
const KINDS: readonly (readonly [fc.Arbitrary<object>, fc.Arbitrary<object>])[] = [
  [
    fc.record({
      name: fc.constant("network_restricted"),
      hosts: some(["*.example.com", "h1.example.com", "h2.example.com", "localhost"]),
      ports: some([443, 80]),
      methods: some(["GET", "POST", "PUT"]),
      secretHeaders: fc.subarray([{ header: "x-key", secret: "one" }]),
    }),
    fc.record({
      name: fc.constant("network_restricted"),
      hosts: fc.constantFrom(...HOSTS, "localhost").map((each) => [each]),
      ports: fc.constantFrom(443, 80).map((each) => [each]),
      methods: fc.constantFrom("GET", "POST").map((each) => [each]),
      secretHeaders: fc.subarray([{ header: "x-key", secret: "one" }]),
      bytesPerDay: fc.constant(1),
    }),
  ],
  [
    fc.record({ name: fc.constant("network_unrestricted") }),
    fc.record({ name: fc.constant("network_unrestricted"), bytesPerDay: fc.constant(1) }),
  ],
  [
    fc.record({
      name: fc.constant("system_exec"),
      commands: some([{ run: ["/bin/cat"] }, { run: ["/bin/echo", "{text}"] }]),
      workingDirectory: fc.constantFrom("/data", "/work"),
      write: fc.boolean(),
      environment: fc.subarray(["LANG", "TZ"]),
    }),
    fc.record({
      name: fc.constant("system_exec"),
      commands: fc.constantFrom({ run: ["/bin/cat"] }, { run: ["/bin/echo", "{text}"] }).map((each) => [each]),
      workingDirectory: fc.constantFrom("/data", "/data/in", "/work"),
      write: fc.boolean(),
      environment: fc.subarray(["LANG", "TZ"]),
      timeMs: fc.constant(1),
    }),
  ],
  [
    fc.record({
      name: fc.constant("user_data_access"),
      entities: some(["contacts", "notes"]),
      fields: some(["*", "f*", "name"]),
      verbs: some(["read", "update"]),
      purpose: fc.constantFrom("a", "b"),
    }),
    fc.record({
      name: fc.constant("user_data_access"),
      entities: fc.constantFrom("contacts", "notes").map((each) => [each]),
      fields: fc.oneof(
        some(["name", "f1"]),
        fc.constant(numbers(200).map((index) => `f${index}`)),
        fc.constant(numbers(200).map((index) => `g${index}`)),
      ),
      verbs: fc.constantFrom("read", "update").map((each) => [each]),
      purpose: fc.constantFrom("a", "b"),
    }),
  ],
  [
    fc.record({ name: fc.constant("secrets_access"), names: some(["one", "two"]), reveal: fc.boolean() }),
    fc.record({
      name: fc.constant("secrets_access"),
      names: fc.constantFrom("one", "two").map((each) => [each]),
      reveal: fc.boolean(),
    }),
  ],
  [
    fc
      .record({
        events: fc.option(
          fc.record({
            publish: fc.subarray(["acme.demo/*", "acme.demo/e1"]),
            subscribe: fc.subarray(["acme.demo/*", "acme.demo/e2"]),
          }),
        ),
        plugins: fc.record({ actions: some(["acme.other/*", "acme.other/go"]), withTheirRights: fc.boolean() }),
      })
      .map(({ events, plugins }) => ({ name: "platform_services", plugins, ...(events !== null && { events }) })),
    fc
      .oneof(
        fc.constantFrom(...TOPICS).map((topic) => ({ events: { publish: [topic], subscribe: [], perHour } })),
        fc.constantFrom(...TOPICS).map((topic) => ({ events: { publish: [], subscribe: [topic], perHour } })),
        fc.tuple(fc.nat(99), fc.boolean()).map(([index, withTheirRights]) => ({
          plugins: { actions: [`acme.other/a${index}`], withTheirRights, perHour },
        })),
      )
      .map((service) => ({ name: "platform_services", ...service })),
  ],
];

for (const [declaration, use] of KINDS) {
  const [{ name }] = fc.sample(declaration, 1) as [{ name: string }];
  test(`what is suggested for ${name} is a manifest's, covered by the declaration, and lets every use through`, () => {
    fc.assert(
      fc.property(
        fc.array(declaration, { minLength: 1, maxLength: 3 }),
        fc.oneof(fc.array(use, { maxLength: 4 }), fc.array(use, { minLength: 60, maxLength: 200 })),
        (declared, uses) =>
          verifySuggestion(
            declared.map(request),
            uses.map((each) => statedPermissionSchema.parse(each)),
          ),
      ),
      { numRuns: 300 },
    );
  });
}

test("folders that take long to compare with the declared globs make the suggestion incomplete", () => {
  const globs = numbers(32).map((index) => `*${"a".repeat(110)}c${index}`);
  const declared = request({ name: "file_system_read", roots: ["/data"], globs });
  const uses = numbers(100).map((index) =>
    permissionOf(request({ name: "file_system_read", roots: [`/data/${"a".repeat(230)}${index}`], globs: LISTED })),
  );
  const { permissions, isComplete } = suggestPermissions([declared], uses, true);
  assert.deepEqual([permissions, isComplete], [[declared], false]);
});
