import assert from "node:assert/strict";
import test from "node:test";

import { SpecError, parseManifest } from "@berth/spec";

const minimal = {
  id: "acme.demo",
  version: "1.0.0",
  displayName: "Demo",
  description: "Shows things.",
  license: "MIT",
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: "plugin.js" },
  capabilities: ["data_processing"],
  contributes: { actions: { run: { input: true, output: true } } },
};

const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value, null, 2));

function refusal(value: unknown): SpecError {
  try {
    parseManifest(bytesOf(value));
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    return error;
  }
  assert.fail("the manifest was accepted");
}

test("fills in every default", () => {
  const manifest = parseManifest(bytesOf(minimal));
  assert.equal(manifest.level, "standard");
  assert.deepEqual(manifest.pricing, { model: "free" });
  assert.deepEqual(manifest.permissions, []);
});

test("names line, column and the word that was meant", () => {
  const error = refusal({ ...minimal, categorys: ["utilities"] });
  assert.equal(error.code, "SPEC_MANIFEST_INVALID");
  assert.match(error.message, /^manifest\.json:\d+:3: unknown member "categorys"; did you mean "categories"\?$/);
});

test("names the place inside a list", () => {
  const error = refusal({ ...minimal, categories: ["utilitys"] });
  assert.match(error.message, /categories\.0: expected one of .* found "utilitys"; did you mean "utilities"\?/);
});

test("finds the branch of a permission that was meant", () => {
  const error = refusal({
    ...minimal,
    permissions: [{ name: "network_restricted", hosts: ["API.example.com"], reason: "x" }],
  });
  assert.match(error.message, /permissions\.0\.hosts\.0: must be a lower-case host name/);
});

for (const [what, text] of [
  ["a comment", '{ "id": "a.b" /* no */ }'],
  ["a trailing comma", '{ "id": "aa.bb", }'],
  ["a member named twice", '{ "id": "aa.bb", "id": "aa.cc" }'],
  ["a byte order mark", '\ufeff{"id":"aa.bb"}'],
  ["deep nesting", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  ["nothing", ""],
  ["two documents", "{} {}"],
  ["nesting hidden behind wrong brackets", "[},".repeat(80_000)],
  ["nesting hidden behind a broken text", '["\n,'.repeat(60_000)],
  ["nesting hidden behind comments", '/*"*/['.repeat(40_000)],
  ["half a character in a text", '{ "id": "\\ud800" }'],
  ["half a character in a name", '{ "\\udc00": 1 }'],
  ["a number that no double holds", '{ "id": 1e999 }'],
  ["a member that would be the prototype", '{ "__proto__": {} }'],
  ["an action that would be the prototype", '{ "contributes": { "actions": { "__proto__": {} } } }'],
] as const) {
  test(`refuses ${what} as not strict JSON`, () => {
    assert.equal(refusal(text).code, "SPEC_MANIFEST_NOT_JSON");
  });
}

test("refuses a manifest above 256 KiB before reading it", () => {
  assert.equal(refusal("x".repeat(300_000)).code, "SPEC_MANIFEST_TOO_LARGE");
});

for (const [what, change] of [
  ["a version with a build part", { version: "1.0.0+build" }],
  ["a paid plugin without a price", { pricing: { model: "one-time" } }],
  ["an entry outside the package", { runtime: { kind: "javascript", entry: "../x.js" } }],
  ["an id in capitals", { id: "Acme.demo" }],
  ["an api range that is no range", { api: "latest!" }],
  [
    "a schema outside the dialect",
    { contributes: { actions: { run: { input: { $ref: "https://example.com/s" }, output: true } } } },
  ],
  ["a contribution that does not exist", { contributes: { actions: {}, hooks: {} } }],
  ["a display name of two lines", { displayName: "a\nb" }],
  ["limits below the floor", { limits: { memoryMiB: 1 } }],
] as const) {
  test(`refuses ${what}`, () => {
    const error = refusal({ ...minimal, ...change });
    assert.equal(error.code, "SPEC_MANIFEST_INVALID");
    assert.match(error.message, /^manifest\.json:\d+:\d+: /);
  });
}

test("names in a message cannot rewrite the terminal", () => {
  for (const manifest of [
    { ...minimal, dependencies: { "\u001b[2J\u202e": 5 } },
    { ...minimal, contributes: { actions: { run: { input: { properties: { "\u001b[2J": 5 } }, output: true } } } },
  ]) {
    const { message } = refusal(manifest);
    assert.match(message, /\\x1b\[2J/);
    assert.doesNotMatch(message, /[^\P{C}\n]/u);
  }
});

test("a manifest full of mistakes is refused with 20 of them", () => {
  const many = (count: number): object => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 0]));
  for (const manifest of [
    { ...minimal, ...many(20_000) },
    { ...minimal, dependencies: many(15_000) },
  ]) {
    const { details = {} } = refusal(JSON.stringify(manifest));
    assert.equal((details["problems"] as unknown[]).length, 20);
  }
});

test("names of any length are told cut, in a message and in its details", () => {
  const long = "x".repeat(255_000);
  const unseen = "\u200b".repeat(200);
  let schema: object = { [unseen]: 1 };
  for (let depth = 0; depth < 10; depth += 1) schema = { properties: { [unseen]: schema } };
  for (const manifest of [
    { ...minimal, [long]: 1 },
    { ...minimal, dependencies: { [long]: "^1" } },
    { ...minimal, contributes: { actions: { run: { input: { properties: { [long]: 5 } }, output: true } } } },
    { ...minimal, contributes: { actions: { run: { input: schema, output: true } } } },
  ]) {
    const error = refusal(JSON.stringify(manifest));
    assert.equal(error.code, "SPEC_MANIFEST_INVALID");
    const size = [error.message, JSON.stringify(error.details)].map(({ length }) => length);
    assert.ok(
      size.every((length) => length < 10_000),
      `${size}`,
    );
  }
  const { details = {} } = refusal({ ...minimal, ["y".repeat(200)]: 1 });
  assert.deepEqual((details["problems"] as { path: unknown }[])[0]?.path, ["y".repeat(200)]);
});

test("names the permission that was probably meant", () => {
  const error = refusal({ ...minimal, permissions: [{ name: "network_restrictd", reason: "x" }] });
  assert.match(error.message, /permissions\.0\.name: .*found "network_restrictd"; did you mean "network_restricted"\?/);
});

test("no path of a manifest leads out of its folder", () => {
  for (const path of ["../x", "a/../../x", "/x", "a\n/../../x", "..", "a/./b", "a\\b", "a\0b"]) {
    assert.match(refusal({ ...minimal, icon: path }).message, /icon: must be a relative path/, JSON.stringify(path));
    assert.match(refusal({ ...minimal, runtime: { kind: "javascript", entry: path } }).message, /runtime\.entry: must/);
  }
});

test("a range is one line of text, never nothing", () => {
  for (const range of ["", " ", "\n^1.0", "^1.0 ", "^1.0\u2028"])
    assert.match(refusal({ ...minimal, api: range }).message, /api: must be a version range/, JSON.stringify(range));
});

test("events, subscriptions and schedules have topics, moments and actions that there are", () => {
  const contributing = (more: object): object => ({ ...minimal, contributes: { ...minimal.contributes, ...more } });
  const { contributes } = parseManifest(
    bytesOf(
      contributing({
        events: { said: { payload: true } },
        subscriptions: { "acme.other/said": { action: "run" }, "app/said": { action: "run" } },
        schedules: { nightly: { cron: "30 2 * * MON-FRI", action: "run" } },
      }),
    ),
  );
  assert.equal(contributes.events["said"]?.delivery, "ephemeral");
  assert.deepEqual(contributes.schedules["nightly"], {
    cron: "30 2 * * MON-FRI",
    timeZone: "UTC",
    action: "run",
    missed: "once",
  });
  const refused: [object, RegExp][] = [
    [{ events: { said: { payload: { type: "nothing" } } } }, /contributes\.events\.said\.payload/],
    [{ events: { "a/b": { payload: true } } }, /the name "a\/b"/],
    [{ subscriptions: { "app/a/b": { action: "run" } } }, /must be a topic/],
    [{ subscriptions: { "app:x/a": { action: "run" } } }, /must be a topic/],
    [{ subscriptions: { "app/a": { action: "constructor" } } }, /names no action/],
    [{ schedules: { a: { cron: "@daily", action: "run" } } }, /must have five fields/],
    [{ schedules: { a: { cron: "* * * * *", action: "toString" } } }, /names no action/],
    [{ schedules: { a: { cron: "* * * * *", action: "run", timezone: "UTC" } } }, /did you mean "timeZone"/],
  ];
  for (const [more, words] of refused) assert.match(refusal(contributing(more)).message, words);
});

const withActions = (actions: object, more: object = {}): object => ({ ...minimal, contributes: { actions }, ...more });
const any = { input: true, output: true };

test("an action may have less than its plugin, and not more", () => {
  const limits = { memoryMiB: 32, cpuMs: 1_000, wallMs: 2_000 };
  const manifest = parseManifest(bytesOf(withActions({ run: { ...any, limits } }, { limits })));
  assert.deepEqual(manifest.contributes.actions["run"]?.limits, limits);
  for (const [name, most] of Object.entries(limits)) {
    const error = refusal(withActions({ run: { ...any, limits: { [name]: most + 1 } } }, { limits }));
    assert.match(
      error.message,
      new RegExp(`actions\\.run\\.limits\\.${name}: must be at most the plugin's own, ${most}`),
    );
  }
  assert.match(
    refusal(withActions({ run: { ...any, limits: { wallMs: 30_001 } } })).message,
    /wallMs: must be at most the plugin's own, 30000/,
  );
  const sizes = Object.fromEntries(
    [8, 9, 10, 11, 12].map((memoryMiB) => [`a${memoryMiB}`, { ...any, limits: { memoryMiB } }]),
  );
  assert.match(refusal(withActions(sizes)).message, /more than 4 different limits\.memoryMiB/);
});

test("an action that streams says so, and is neither subscribed nor scheduled", () => {
  const rows = { ...any, streams: true, limits: { streamMs: 1_000 } };
  assert.equal(parseManifest(bytesOf(withActions({ rows }))).contributes.actions["rows"]?.streams, true);
  assert.match(
    refusal(withActions({ run: { ...any, limits: { streamMs: 1_000 } } })).message,
    /is for actions that stream/,
  );
  for (const more of [
    { schedules: { daily: { cron: "0 6 * * *", action: "rows" } } },
    { subscriptions: { "app/paid": { action: "rows" } } },
  ])
    assert.match(
      refusal({ ...minimal, contributes: { actions: { rows }, ...more } }).message,
      /names an action that streams/,
    );
});
