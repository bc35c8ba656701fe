import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { SpecError, editPermissions, parseManifest, permissionSchema, withoutDefaults } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

const some = <Item>(...items: Item[]): fc.Arbitrary<Item[]> => fc.subarray(items, { minLength: 1 });
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });
const amount = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(60, 10_000, 10_485_760, 104_857_600));
const globs = maybe(some("**", "*.csv", 'odd"[1]?.csv', "ünï/*", `${"long".repeat(30)}/*`, "a/b.csv"));
const perHour = maybe(amount);

/** Every permission, with parameters that stand at their defaults, away from them, or nowhere. */
const wish = fc.oneof(
  fc.record({ name: fc.constant("file_system_read"), roots: some("/data", "/in"), globs, maxBytes: maybe(amount) }),
  fc.record({
    name: fc.constant("file_system_write"),
    roots: some("/data", "/in"),
    globs,
    quotaBytes: maybe(amount),
    create: maybe(fc.boolean()),
    delete: maybe(fc.boolean()),
  }),
  fc.record({
    name: fc.constant("network_restricted"),
    hosts: some("a.example.com", "*.example.com", "localhost"),
    ports: maybe(some(443, 80)),
    methods: maybe(some("GET", "POST")),
    bytesPerDay: maybe(amount),
    secretHeaders: maybe(
      fc.subarray([
        { header: "x-key", secret: "one" },
        { header: "x-id", secret: "two" },
      ]),
    ),
  }),
  fc.record({ name: fc.constant("network_unrestricted"), bytesPerDay: maybe(amount) }),
  fc.record({
    name: fc.constant("system_exec"),
    commands: some({ run: ["/bin/echo", "{text}"] }, { run: ["/bin/date"] }),
    workingDirectory: fc.constantFrom("/data", "/in"),
    write: maybe(fc.boolean()),
    environment: maybe(fc.subarray(["LANG", "TZ"])),
    timeMs: maybe(fc.constantFrom(1, 10_000)),
  }),
  fc.record({
    name: fc.constant("user_data_access"),
    entities: some("contacts", "notes"),
    fields: maybe(some("*", "name", "na*")),
    verbs: maybe(some("read", "delete")),
    purpose: fc.constantFrom("a", "b"),
    mayLeaveTo: maybe(fc.subarray(["a.example.com"])),
  }),
  fc.record({ name: fc.constant("secrets_access"), names: some("one", "two"), reveal: maybe(fc.boolean()) }),
  fc.record({
    name: fc.constant("platform_services"),
    content: maybe(fc.record({ kinds: some("page", "note"), write: maybe(fc.boolean()), perHour })),
    ai: fc.record({ models: some("small-*", "small-1"), tokensPerDay: amount }),
    events: maybe(
      fc.record({ publish: maybe(fc.subarray(["a", "b*"])), subscribe: maybe(fc.subarray(["c"])), perHour }),
    ),
    plugins: maybe(
      fc.record({ actions: some("acme.other/*", "acme.other/go"), withTheirRights: maybe(fc.boolean()), perHour }),
    ),
  }),
);

/** A request as an author writes it: members left out, or given. */
const written = fc
  .tuple(wish, fc.constantFrom("to test", 'it says "why"\nand how'), maybe(fc.boolean()))
  .map(([each, reason, optional]) => JSON.parse(JSON.stringify({ ...each, reason, optional })) as object);
const parsed = (each: object): PermissionRequest => permissionSchema.parse(each);

const IDENTITY = {
  $schema: "https://berth.example/manifest.schema.json",
  id: "acme.words",
  version: "1.0.0",
  displayName: "Words",
  description: 'Permissions: "permissions": [] {',
  license: "Apache-2.0",
};
const REST = {
  capabilities: ["data_processing"],
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: "src/plugin.js" },
  contributes: { actions: { permissions: { input: true, output: true } } },
};

/** As different editors leave a file. */
const manner: fc.Arbitrary<(permissions: readonly object[]) => string> = fc
  .record({
    indent: fc.constantFrom("", "  ", "    ", "\t"),
    eol: fc.constantFrom("\n", "\r\n"),
    isInline: fc.boolean(),
    end: fc.constantFrom("", "\n"),
  })
  .map(({ indent, eol, isInline, end }) => (permissions) => {
    const text = JSON.stringify({ ...IDENTITY, permissions, ...REST }, null, indent);
    const inline = isInline ? text.replaceAll(/\[\s*("[^"\\]*"(?:,\s*"[^"\\]*")*)\s*\]/g, shortened) : text;
    return `${inline.replaceAll("\n", eol)}${end}`;
  });
const shortened = (_list: string, items: string): string => `[${items.replaceAll(/,\s*/g, ", ")}]`;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("a request without its defaults parses to the same request, and holds nothing that could be left out", () => {
  fc.assert(
    fc.property(written, (each) => {
      const request = parsed(each);
      const short = withoutDefaults(request);
      assert.deepEqual(permissionSchema.parse(short), request);
      assert.deepEqual(withoutDefaults(parsed(short)), short);
      for (const name of Object.keys(short)) {
        const { [name]: _left, ...without } = short;
        const { success, data } = permissionSchema.safeParse(without);
        assert.ok(!success || JSON.stringify(data) !== JSON.stringify(request), name);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("an edited manifest asks for exactly what is wanted, and the rest of the file stays byte for byte", () => {
  const one = fc.tuple(written, fc.oneof(maybe(written.map(parsed)), fc.constant("same" as const)));
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), manner, (pairs, inManner) => {
      const before = inManner(pairs.map(([each]) => each));
      const wanted = pairs.map(([each, to]) => (to === "same" ? parsed(each) : to));
      const after = editPermissions(bytesOf(before), wanted);
      assert.deepEqual(
        parseManifest(after).permissions,
        wanted.filter((each) => each !== undefined),
      );
      const [head, tail] = [before.indexOf('"permissions"'), before.lastIndexOf('"capabilities"')];
      const text = textOf(after);
      assert.equal(text.slice(0, head), before.slice(0, head));
      assert.ok(text.endsWith(before.slice(tail)));
      assert.equal(/[^\r]\n/.test(text), /[^\r]\n/.test(before));
      assert.equal(text.split("\n").length > 1, before.split("\n").length > 1);
      assert.deepEqual(editPermissions(after, parseManifest(after).permissions), after);
    }),
    { numRuns: 1_000 },
  );
});

test("what one permission had by default is written for another one, which has other defaults", () => {
  const asked = { name: "network_restricted", hosts: ["*.example.com"], reason: "to test" };
  const wanted = parsed({ name: "network_unrestricted", bytesPerDay: 10_485_760, reason: "to test" });
  const text = JSON.stringify({ ...IDENTITY, permissions: [asked], ...REST });
  assert.deepEqual(parseManifest(editPermissions(bytesOf(text), [wanted])).permissions, [wanted]);
});

test("what is not changed keeps its text, whatever is written around it", () => {
  fc.assert(
    fc.property(fc.array(written, { minLength: 2, maxLength: 4 }), manner, fc.nat(), (each, inManner, at) => {
      const before = inManner(each);
      const all = each.map(parsed);
      assert.equal(textOf(editPermissions(bytesOf(before), all)), before);
      const index = at % all.length;
      const taken = editPermissions(
        bytesOf(before),
        all.map((request, one) => (one === index ? undefined : request)),
      );
      assert.equal(textOf(taken), inManner(each.toSpliced(index, 1)));
    }),
  );
});

const EXAMPLE = `{
  "id": "acme.words", "version": "1.0.0", "displayName": "Words", "description": "Words.", "license": "MIT",
  "categories": ["utilities"], "capabilities": ["data_processing"], "api": "^1.0",
  "runtime": { "kind": "javascript", "entry": "plugin.js" },
  "permissions": [
    { "name": "secrets_access", "names": ["one", "two"], "reason": "to sign in" },
    {
      "reason": "to read",
      "name": "file_system_read",
      "maxBytes": 10485760,
      "roots": ["/data",  "/in"]
    },
    {
      "name": "platform_services",
      "events": { "publish": ["acme.words/*"], "perHour": 7 },
      "plugins": {
        "actions": [
          "acme.other/*"
        ],
        "withTheirRights": true
      },
      "reason": "to tell"
    }
  ],
  "contributes": {}
}
`;

test("what is narrowed is written as its author would: in place, in the file's manner, without defaults", () => {
  const [secrets, files, services] = parseManifest(bytesOf(EXAMPLE)).permissions;
  assert.ok(files?.name === "file_system_read" && services?.name === "platform_services" && services.plugins);
  const names = ["a", "b", "c", "d"].map((name) => `${name.repeat(40)}.csv`);
  const { events: _events, ...withoutEvents } = services;
  const after = editPermissions(bytesOf(EXAMPLE), [
    secrets,
    { ...files, roots: ["/in"], globs: names },
    {
      ...withoutEvents,
      plugins: { actions: ["acme.other/go", "acme.other/stop"], perHour: 60, withTheirRights: false },
    },
  ]);
  const expected = EXAMPLE.replace(
    '"roots": ["/data",  "/in"]',
    `"roots": ["/in"],\n      "globs": [\n${names.map((name) => `        "${name}"`).join(",\n")}\n      ]`,
  )
    .replace('\n      "events": { "publish": ["acme.words/*"], "perHour": 7 },', "")
    .replace(
      '"acme.other/*"\n        ],\n        "withTheirRights": true',
      '"acme.other/go",\n          "acme.other/stop"\n        ]',
    );
  assert.equal(textOf(after), expected);
  const none = textOf(editPermissions(bytesOf(EXAMPLE), [undefined, undefined, undefined]));
  assert.match(none, /"permissions": \[\],\n {2}"contributes"/);
});

test("refuses what cannot be read as wanted, or is no answer to each permission", () => {
  const bytes = bytesOf(EXAMPLE);
  const { permissions } = parseManifest(bytes);
  const [secrets, files, services] = permissions;
  assert.ok(files?.name === "file_system_read");
  const refuses = (wanted: (PermissionRequest | undefined)[], code: string): void =>
    assert.throws(
      () => editPermissions(bytes, wanted),
      (error) => error instanceof SpecError && error.code === code,
    );
  refuses([secrets, files], "SPEC_MANIFEST_EDIT_FAILED");
  refuses([...permissions, undefined], "SPEC_MANIFEST_EDIT_FAILED");
  refuses([secrets, { ...files, roots: ["../x"] }, services], "SPEC_MANIFEST_INVALID");
  refuses([secrets, { ...files, roots: ["/\ud800"] }, services], "SPEC_MANIFEST_NOT_JSON");
  refuses([secrets, { ...files, more: 1 } as PermissionRequest, services], "SPEC_MANIFEST_INVALID");
  const bare = bytesOf(EXAMPLE.replace(/"permissions": \[[^]*\n {2}\],/, ""));
  assert.equal(editPermissions(bare, []), bare);
});
