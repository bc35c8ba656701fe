import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import {
  covers,
  explainPermission,
  fitsGlob,
  formatPermission,
  needsOwnProcess,
  parsePluginId,
  parseVersion,
  permissionOf,
  permissionSchema,
  uncoveredParameter,
  versionInRange,
} from "@berth/spec";
import type { GlobBudget, Permission } from "@berth/spec";

const some = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => fc.subarray(items, { minLength: 1 });

const wish: fc.Arbitrary<object> = fc.oneof(
  fc.record({
    name: fc.constant("network_restricted"),
    hosts: some("a.example.com", "*.example.com", "b.a.example.com", "example.com"),
    ports: some(443, 80),
    methods: some("GET", "POST"),
    bytesPerDay: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    name: fc.constant("file_system_write"),
    roots: some("/data", "/data/in", "/", "/database"),
    globs: some("**", "*.csv", "a.csv", "in/**", "in/*", "in/a?.csv", "in/ab.csv"),
    create: fc.boolean(),
    delete: fc.boolean(),
  }),
  fc.record({
    name: fc.constant("system_exec"),
    commands: some({ run: ["/bin/echo", "{text}"] }, { run: ["/bin/date"] }),
    workingDirectory: fc.constantFrom("/data", "/data/in", "/database"),
    write: fc.boolean(),
    environment: fc.subarray(["LANG", "TZ"]),
    timeMs: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ name: fc.constant("secrets_access"), names: some("one", "two"), reveal: fc.boolean() }),
  fc.record({
    name: fc.constant("user_data_access"),
    entities: some("contacts", "notes"),
    fields: some("*", "name", "na*"),
    verbs: some("read", "delete"),
    purpose: fc.constantFrom("a", "b"),
    mayLeaveTo: some("a.example.com", "*.example.com"),
  }),
  fc.record({
    name: fc.constant("platform_services"),
    ai: fc.record({ models: some("small-*", "small-1"), tokensPerDay: fc.integer({ min: 1, max: 2 }) }),
    events: fc.option(fc.record({ publish: some("orders.*", "orders.new"), perHour: fc.integer({ min: 1, max: 2 }) }), {
      nil: undefined,
    }),
  }),
);

const permission: fc.Arbitrary<Permission> = wish.map((each) =>
  permissionOf(permissionSchema.parse({ ...JSON.parse(JSON.stringify(each)), reason: "x" })),
);

test("covers is reflexive", () => {
  fc.assert(fc.property(permission, (a) => assert.ok(covers(a, a))));
});

test("covers is transitive", () => {
  fc.assert(
    fc.property(
      permission,
      permission,
      permission,
      (a, b, c) => fc.pre(covers(a, b) && covers(b, c)) === undefined && assert.ok(covers(a, c)),
    ),
    { numRuns: 300, maxSkipsPerRun: 10_000 },
  );
});

test("two permissions that cover each other allow the same", () => {
  fc.assert(
    fc.property(permission, permission, permission, (a, b, c) => {
      if (covers(a, b) && covers(b, a)) assert.equal(covers(a, c), covers(b, c));
    }),
  );
});

test("a folder does not cover its namesake's neighbour, nor a host its suffix's lookalike", () => {
  const read = (root: string): Permission =>
    permissionOf(permissionSchema.parse({ name: "file_system_read", roots: [root], reason: "x" }));
  assert.ok(covers(read("/data"), read("/data/in")));
  assert.ok(!covers(read("/data"), read("/database")));
  const net = (host: string): Permission =>
    permissionOf(permissionSchema.parse({ name: "network_restricted", hosts: [host], reason: "x" }));
  assert.ok(covers(net("*.example.com"), net("a.b.example.com")));
  assert.ok(!covers(net("*.example.com"), net("example.com")));
  assert.ok(!covers(net("*.example.com"), net("evilexample.com")));
  assert.ok(!covers(net("a.example.com"), net("*.example.com")));
});

const segment = fc.stringMatching(/^[ab*?]{1,3}$/);
const globText = fc
  .array(fc.oneof(segment, fc.constant("**")), { minLength: 1, maxLength: 4 })
  .map((all) => all.join("/"));

test("a glob that covers another fits everything that the other fits", () => {
  const read = (glob: string): Permission =>
    permissionOf(permissionSchema.parse({ name: "file_system_read", roots: ["/data"], globs: [glob], reason: "x" }));
  for (const [a, b, isCovered] of [
    ["*.csv", "a.csv", true],
    ["*.csv", "a*.csv", true],
    ["*.csv", "in/a.csv", false],
    ["in/**", "in/deep/*.csv", true],
    ["in/**/*.csv", "in/a.csv", true],
    ["a?", "a*", false],
    ["a?", "a?", true],
    ["*", "**", false],
    ["*/b", "**/b", false],
  ] as const)
    assert.equal(covers(read(a), read(b)), isCovered, `${a} ${b}`);
  const budget = (): GlobBudget => ({ left: 1_000_000 });
  fc.assert(
    fc.property(globText, globText, fc.stringMatching(/^[ab/]{1,6}$/), (a, b, path) => {
      fc.pre(covers(read(a), read(b)));
      if (fitsGlob(path, b, budget())) assert.ok(fitsGlob(path, a, budget()));
    }),
    { numRuns: 2_000, maxSkipsPerRun: 1_000 },
  );
});

test("files below a folder that covers another's are those and no others, whatever both globs say", () => {
  const read = (roots: readonly string[], globs: readonly string[]): Permission =>
    permissionOf(permissionSchema.parse({ name: "file_system_read", roots, globs, reason: "x" }));
  for (const [a, b, isCovered] of [
    [["/data", "**"], ["/data/in", "*.csv"], true],
    [["/data", "in/*.csv"], ["/data/in", "a.csv"], true],
    [["/", "data/**"], ["/data/in", "*"], true],
    [["/data", "*.csv"], ["/data/in", "*.csv"], false],
    [["/data", "*"], ["/data/private", "*"], false],
    // It stands for the folder itself too.
    [["/data", "in/*"], ["/data/in", "*"], false],
  ] as const)
    assert.equal(covers(read([a[0]], [a[1]]), read([b[0]], [b[1]])), isCovered, `${a.join()} ${b.join()}`);
  assert.equal(uncoveredParameter(read(["/data"], ["*"]), read(["/data/private"], ["*"])), "globs");
  const roots = ["/", "/d", "/d/a", "/d/a/b", "/d/*", "/e"];
  const globs = ["*", "**", "a/*", "*/*", "a", "a/b", "*.c", "b/*", "?", "d/a/*", "d/**", "a/**"];
  const paths = ["/x.c", "/d", "/d/x.c", "/d/a", "/d/a/b", "/d/a/b/x", "/d/a/x", "/d/*/x", "/d/b/x", "/e/a/b", "/e/x"];
  const allows = (held: string[], asked: string[], path: string): boolean =>
    held.some((root) => {
      const start = root === "/" ? "/" : `${root}/`;
      if (path !== root && !path.startsWith(start)) return false;
      return asked.some((glob) => fitsGlob(path.slice(start.length), glob, { left: 1_000_000 }));
    });
  const pair = fc.tuple(some(...roots), some(...globs));
  fc.assert(
    fc.property(pair, pair, fc.constantFrom(...paths), (a, b, path) => {
      fc.pre(covers(read(...a), read(...b)) && allows(...b, path));
      assert.ok(allows(...a, path));
    }),
    { numRuns: 2_000, maxSkipsPerRun: 1_000 },
  );
});

test("lists of globs that would take long to compare do not cover each other", () => {
  const write = (glob: (index: number) => string): Permission =>
    permissionOf(
      permissionSchema.parse({
        name: "file_system_write",
        roots: ["/data"],
        globs: Array.from({ length: 32 }, (_, index) => glob(index)),
        reason: "x",
      }),
    );
  // The last one does cover them, which is never come to.
  const slow = write((index) => (index === 31 ? "a*" : `*${"a".repeat(110)}c${index}`));
  assert.equal(
    covers(
      slow,
      write((index) => `${"a".repeat(240)}b${index}`),
    ),
    false,
  );
  assert.ok(covers(slow, slow));
});

test("every permission explains itself in one line", () => {
  fc.assert(fc.property(permission, (a) => assert.match(explainPermission(a), /^[^\n]{10,}$/)));
});

test("equal permissions have equal text", () => {
  fc.assert(fc.property(permission, (a) => assert.equal(formatPermission(structuredClone(a)), formatPermission(a))));
});

test("a plugin that may touch user data, or see a secret, gets a process of its own", () => {
  const secret = (reveal: boolean): Permission =>
    permissionOf(permissionSchema.parse({ name: "secrets_access", names: ["a"], reveal, reason: "x" }));
  assert.ok(needsOwnProcess(secret(true)));
  assert.ok(!needsOwnProcess(secret(false)));
});

test("what keeps one permission from covering another is named, down to the service", () => {
  const of = (request: object): Permission =>
    permissionOf(permissionSchema.parse({ name: "platform_services", reason: "x", ...request }));
  const narrow = of({ plugins: { actions: ["acme.bb/run"] } });
  assert.equal(uncoveredParameter(narrow, of({ plugins: { actions: ["acme.bb/*"] } })), "plugins.actions");
  const wide = of({ plugins: { actions: ["acme.bb/run"], withTheirRights: true } });
  assert.equal(uncoveredParameter(narrow, wide), "plugins.withTheirRights");
  assert.equal(uncoveredParameter(wide, narrow), undefined);
  assert.equal(uncoveredParameter(narrow, of({ events: { publish: ["a"] } })), "events");
});

test("roots that climb or are not normal are refused", () => {
  for (const root of ["data", "/data/", "/data/..", "/./a", "//a", "/a\0"]) {
    assert.equal(
      permissionSchema.safeParse({ name: "file_system_read", roots: [root], reason: "x" }).success,
      false,
      root,
    );
  }
});

test("globs stay below their root, and names and services are not empty", () => {
  const accepts = (request: object): boolean => permissionSchema.safeParse({ ...request, reason: "x" }).success;
  const withGlob = (glob: string): boolean => accepts({ name: "file_system_read", roots: ["/data"], globs: [glob] });
  for (const glob of ["**", "*.csv", "in/**/*.csv", "..csv", "a/...b"]) assert.ok(withGlob(glob), glob);
  for (const glob of ["../*", "a/../../*", "..", "./a", "a\n/../b", "/etc/*"]) assert.ok(!withGlob(glob), glob);
  assert.ok(!accepts({ name: "platform_services", events: { publish: [""] } }));
  assert.ok(!accepts({ name: "platform_services" }));
});

test("the question shows everything that is asked for, whole, and no item that looks like two", () => {
  const explain = (request: object): string =>
    explainPermission(permissionOf(permissionSchema.parse({ ...request, reason: "x" })));
  const hosts = Array.from({ length: 64 }, (_, at) => `${"a".repeat(60)}.${"b".repeat(60)}.host${at}.example`);
  const network = explain({ name: "network_restricted", hosts });
  for (const host of hosts) assert.ok(network.includes(host), host);
  assert.ok(explain({ name: "file_system_read", roots: ["/in, /out"] }).includes('"/in, /out"'));
  const run = ["sh", "-c", `${"x".repeat(200)}; rm -rf data`];
  const exec = { name: "system_exec", commands: [{ run }], workingDirectory: "/data" };
  assert.ok(explain(exec).includes("rm -rf data"));
  assert.match(explain(exec), /that may read everything in \/data, up to 10 s each: sh -c /);
  const wide = explain({ ...exec, write: true, environment: ["LANG", "AWS_KEY"], timeMs: 600_000 });
  assert.match(wide, /may read, change and delete everything in \/data, given .* LANG, AWS_KEY, up to 600 s each/);
  const topics = Array.from({ length: 20 }, (_, at) => `orders.created.number${at}`);
  const services = explain({ name: "platform_services", events: { publish: topics } });
  for (const topic of topics) assert.ok(services.includes(topic), topic);
});

test("ids, versions and ranges say what was expected", () => {
  assert.deepEqual(parsePluginId("acme.csv-tools"), { publisher: "acme", name: "csv-tools" });
  for (const id of [
    "acme",
    "a.b",
    "acme.x-",
    "acme.-x",
    "acme.csv--tools",
    "acme.csv.tools",
    "аcme.tools",
    `acme.${"x".repeat(65)}`,
  ]) {
    assert.throws(() => parsePluginId(id), { code: "SPEC_PLUGIN_ID_INVALID" }, id);
  }
  for (const version of ["1.2", "v1.2.3", "1.2.3+b", "01.2.3", ""])
    assert.throws(() => parseVersion(version), { code: "SPEC_VERSION_INVALID" }, version);
  assert.ok(versionInRange("1.2.3-beta.1", "^1.0"));
  assert.throws(() => versionInRange("1.0.0", `>${"1".repeat(300)}`), { code: "SPEC_RANGE_INVALID" });
});
