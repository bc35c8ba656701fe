import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { parseManifest } from "@berth/spec";

import { permissionFindings } from "../src/lint/permission-findings.ts";
import { pluginUses } from "../src/lint/source-uses.ts";
import { berthIn } from "./berth.ts";

const { folder, run, ok } = berthIn("berth lint-");

const manifestOf = (
  permissions: readonly object[],
  secrets: readonly string[] = [],
  topics: readonly string[] = [],
): object => ({
  id: "acme.linted",
  version: "1.0.0",
  displayName: "Linted",
  description: "A plugin that lint looks at closely.",
  license: "MIT",
  categories: ["utilities"],
  api: "^1.0",
  runtime: { kind: "javascript", entry: "src/plugin.js" },
  capabilities: ["data_processing"],
  permissions: permissions.map((each) => ({ reason: "because", ...each })),
  secrets,
  contributes: {
    actions: { go: { title: "Go", input: { type: "object" }, output: true } },
    subscriptions: Object.fromEntries(topics.map((topic) => [topic, { action: "go" }])),
  },
});

/** What lint says of a handler's body, as rule, line and message. */
function said(
  body: string,
  permissions: readonly object[],
  secrets: readonly string[] = [],
  topics: readonly string[] = [],
): string[] {
  const manifest = parseManifest(Buffer.from(JSON.stringify(manifestOf(permissions, secrets, topics))));
  const files = new Map([
    [
      "src/plugin.js",
      `import { more } from "./more.js";\nexport default { actions: { async go(input, ctx) {\n${body}\n} } };`,
    ],
    ["src/more.js", "export const more = (context) => context.storage.get('x');"],
  ]);
  return permissionFindings(manifest, pluginUses("src/plugin.js", files)).map(
    ({ rule, message }) => `${rule}: ${message}`,
  );
}

const network = (hosts: readonly string[], more: object = {}): object => ({
  name: "network_restricted",
  hosts,
  ...more,
});

const exec = (commands: readonly (readonly string[])[], more: object = {}): object => ({
  name: "system_exec",
  commands: commands.map((run) => ({ run })),
  workingDirectory: "/data",
  ...more,
});

const CASES: readonly (readonly [
  what: string,
  body: string,
  permissions: readonly object[],
  expected: readonly RegExp[],
])[] = [
  ["nothing used, nothing asked", "return ctx.storage.get('k');", [], []],
  ["a command without permission", "await ctx.exec.run(['/bin/date']);", [], [/missing: .*system_exec/]],
  [
    "a command as the manifest has it, in a constant",
    "const tool = ['/bin/date', '-d', '{day}']; await ctx.exec.run(tool, { values: { day: input.day } });",
    [exec([["/bin/date", "-d", "{day}"]])],
    [],
  ],
  [
    "another command, and one too many",
    "await ctx.exec.run(['/bin/date', '{day}']);",
    [exec([["/bin/date"]])],
    [/missing: .*\/bin\/date \{day\}/, /over-wide: no code runs \/bin\/date/],
  ],
  ["a command that is not known", "await ctx.exec.run(input.command);", [exec([["/bin/date"], ["/bin/ls"]])], []],
  [
    "writing that is not asked for, and the other way round",
    "await ctx.exec.run(['/bin/date'], { write: true });",
    [exec([["/bin/date"]])],
    [/missing: .*write/],
  ],
  [
    "too wide commands",
    "await ctx.exec.run(['/bin/sh', '-c', '{x}']); await ctx.exec.run(['git', 'log'], { write: false });",
    [
      exec(
        [
          ["/bin/sh", "-c", "{x}"],
          ["git", "log"],
        ],
        { write: true, workingDirectory: "/" },
      ),
    ],
    [
      /over-wide: git is never run/,
      /over-wide: \/bin\/sh runs whatever/,
      /no command asks to write/,
      /"\/" is no folder/,
    ],
  ],
  ["a command that nothing runs", "return 1;", [exec([["/bin/date"]])], [/unused: no code runs a command/]],
  ["a request without permission", "await ctx.fetch('https://a.example/');", [], [/missing: .*network_restricted/]],
  ["a request to a declared host", "await ctx.fetch('https://a.example/x');", [network(["a.example"])], []],
  [
    "a request to another host",
    "await ctx.fetch('https://b.example/x');",
    [network(["a.example"])],
    [/missing: .*b\.example/, /over-wide: no request goes to a\.example/],
  ],
  ["a host in a template", "await ctx.fetch(`https://a.example/${input.x}`);", [network(["a.example"])], []],
  ["a host that is not known", "await ctx.fetch(input.url);", [network(["a.example", "b.example"])], []],
  ["a host cut off within its name", "await ctx.fetch(`https://a.${input.x}`);", [network(["*.a.example"])], []],
  [
    "a host in a constant, a wild card",
    "const base = 'https://v1.a.example'; await ctx.fetch(base + '/x');",
    [network(["*.a.example"])],
    [/over-wide: \*\.a\.example is more than v1\.a\.example/],
  ],
  [
    "another method",
    "await ctx.fetch('https://a.example/', { method: 'POST' });",
    [network(["a.example"])],
    [/missing: .*POST to a\.example/, /over-wide: no request is a GET/],
  ],
  [
    "a method too many",
    "await ctx.fetch('https://a.example/');",
    [network(["a.example"], { methods: ["GET", "PUT"] })],
    [/over-wide: no request is a PUT/],
  ],
  [
    "another port",
    "await ctx.fetch('https://a.example:8443/');",
    [network(["a.example"])],
    [/missing: .*a\.example:8443/],
  ],
  ["a network nobody uses", "return 1;", [network(["a.example"])], [/unused: no code sends a request/]],
  [
    "the whole network for one host",
    "await ctx.fetch('https://a.example/');",
    [{ name: "network_unrestricted" }],
    [/over-wide: .*with a\.example/],
  ],
  [
    "a context taken apart",
    "const { fetch, files: disk } = ctx; await fetch('https://a.example/'); await disk.read('/x');",
    [],
    [/missing: this sends/, /missing: this reads files/],
  ],
  [
    "an alias of a service",
    "const disk = ctx.files; await disk.delete('/x/y');",
    [{ name: "file_system_write", roots: ["/x"] }],
    [/missing: this deletes/],
  ],
  [
    "files that are only read",
    "await ctx.files.read('/x/y');",
    [
      { name: "file_system_read", roots: ["/"] },
      { name: "file_system_write", roots: ["/x"] },
    ],
    [/over-wide: "\/" is every file/, /unused: no code changes files/],
  ],
  [
    "create and delete too many",
    "await ctx.files.write('/x/y', '');",
    [{ name: "file_system_write", roots: ["/x"], create: true, delete: true }],
    [/over-wide: nothing is deleted/, /over-wide: nothing is created/],
  ],
  [
    "create by options",
    "await ctx.files.write('/x/y', '', { create: true });",
    [{ name: "file_system_write", roots: ["/x"], create: true }],
    [],
  ],
  [
    "a secret of another name",
    "await ctx.secrets.reveal('b');",
    [{ name: "secrets_access", names: ["a"], reveal: true }],
    [/missing: this reveals b/, /unused: no code uses a/],
  ],
  [
    "a secret that is only injected",
    "await ctx.fetch('https://a.example/');",
    [
      network(["a.example"], { secretHeaders: [{ header: "x-key", secret: "a" }] }),
      { name: "secrets_access", names: ["a", "b"], reveal: true },
    ],
    [/over-wide: no code uses b/, /over-wide: no code reveals/],
  ],
  [
    "a secret that is injected and not asked for",
    "await ctx.fetch('https://a.example/');",
    [
      network(["a.example"], {
        secretHeaders: [
          { header: "x-key", secret: "a" },
          { header: "x-other", secret: "b" },
        ],
      }),
      { name: "secrets_access", names: ["b"] },
    ],
    [/missing: a is put into the header x-key, and no secrets_access/],
  ],
  [
    "the user's data, with an entity and a verb too many and one too few",
    "const { data } = ctx.user; const user = ctx.user; await user.data.get('contacts', '1'); await data.update('notes', '1', {});",
    [{ name: "user_data_access", entities: ["contacts", "tasks"], verbs: ["read", "delete"], purpose: "x" }],
    [/missing: this does update on notes/, /over-wide: no code uses tasks/, /over-wide: no code does delete/],
  ],
  [
    "the user's data, used as asked for, its entity unknown",
    "const data = ctx.user.data; for (const kind of kinds) await data.list(kind);",
    [{ name: "user_data_access", entities: ["contacts", "tasks"], purpose: "x" }],
    [],
  ],
  [
    "the user's data, asked for and not used",
    "return ctx.user.storage.get('k');",
    [{ name: "user_data_access", entities: ["contacts"], purpose: "x" }],
    [/unused: no code uses contacts/],
  ],
  ["a context that is handed on", "return globalThis[input.x](ctx[input.y]);", [network(["a.example"])], []],
];

const events = (publish: readonly string[], subscribe: readonly string[] = [], more: object = {}): object => ({
  name: "platform_services",
  events: { publish, subscribe },
  ...more,
});
const calls = (...actions: string[]): object => ({ name: "platform_services", plugins: { actions } });

/** With the topics that the manifest subscribes to. */
const PLATFORM: readonly (readonly [
  what: string,
  body: string,
  permissions: readonly object[],
  topics: readonly string[],
  expected: readonly RegExp[],
])[] = [
  ["an event that is asked for", "await ctx.events.publish('made', 1);", [events(["acme.linted/made"])], [], []],
  [
    "an event that is not asked for",
    "await ctx.events.publish('made', 1);",
    [],
    [],
    [/missing: this publishes acme\.linted\/made, which no events\.publish/],
  ],
  [
    "another event than the one that is asked for",
    "const { publish } = ctx.events; await publish('made', 1);",
    [events(["acme.linted/kept"], ["acme.other/x"])],
    ["acme.other/x"],
    [/missing: this publishes acme\.linted\/made/, /over-wide: no code publishes acme\.linted\/kept/],
  ],
  ["an event that is not known", "await ctx.events.publish(input.x, 1);", [events(["acme.linted/*"])], [], []],
  [
    "every event for one of them",
    "await ctx.events.publish('made', 1);",
    [events(["acme.linted/*"])],
    [],
    [/over-wide: acme\.linted\/\* is more than acme\.linted\/made/],
  ],
  ["a subscription that is asked for", "return 1;", [events([], ["acme.other/x"])], ["acme.other/x"], []],
  [
    "a subscription that is not asked for, and one that nobody made",
    "return 1;",
    [events([], ["acme.other/y", "acme.third/*"])],
    ["acme.other/x", "acme.third/a"],
    [
      /missing: this subscribes to acme\.other\/x, which no events\.subscribe/,
      /over-wide: no subscription is to acme\.other\/y/,
      /over-wide: acme\.third\/\* is more than acme\.third\/a/,
    ],
  ],
  [
    "an action of another plugin, in a constant",
    "const other = 'acme.other'; await ctx.plugins.call(other, 'go', 1);",
    [calls("acme.other/go")],
    [],
    [],
  ],
  [
    "an action that is not asked for, and one too many",
    "await ctx.plugins.call('acme.other', 'go', 1);",
    [calls("acme.other/stop")],
    [],
    [/missing: this calls acme\.other\/go, which no plugins\.actions/, /unused: nothing publishes/],
  ],
  ["an action that is not known", "await ctx.plugins.call('acme.other', input.x);", [calls("acme.other/*")], [], []],
  ["services that nothing uses", "return 1;", [events(["acme.linted/made"])], [], [/unused: nothing publishes/]],
  [
    "services that nothing uses, beside one that is not judged",
    "return 1;",
    [events(["acme.linted/made"], [], { ai: { models: ["*"], tokensPerDay: 1 } })],
    [],
    [/over-wide: no code publishes acme\.linted\/made/],
  ],
];

for (const [what, body, permissions, topics, expected] of PLATFORM) {
  test(`permissions: ${what}`, () => {
    const found = said(body, permissions, [], topics);
    assert.equal(found.length, expected.length, found.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? "", pattern);
  });
}

for (const [what, body, permissions, expected] of CASES) {
  test(`permissions: ${what}`, () => {
    const found = said(body, permissions, ["a", "b"]);
    assert.equal(found.length, expected.length, found.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? "", pattern);
  });
}

test("names places, minds the journal of real runs, and ends as the contract says", () => {
  ok(["create", "clean", "--publisher", "acme"]);
  assert.deepEqual(ok(["lint", "clean"])["findings"], []);

  mkdirSync(join(folder, "linted/src"), { recursive: true });
  const write = (permissions: readonly object[], code: string): void => {
    writeFileSync(
      join(folder, "linted/manifest.json"),
      JSON.stringify(manifestOf(permissions, ["one", "two"]), null, 2),
    );
    writeFileSync(join(folder, "linted/src/plugin.js"), code);
  };
  const handler = (body: string): string =>
    `export default {\n  actions: {\n    async go({ name }, ctx) {\n      ${body}\n    },\n  },\n};\n`;
  write([], handler("return (await ctx.fetch('https://a.example/')).status;"));
  writeFileSync(join(folder, "linted/README.md"), "# Linted\n");
  const missing = run(["lint", "linted"]);
  assert.equal(missing.status, 3);
  assert.match(missing.stdout, /^src\/plugin\.js:4: error: this sends requests.*\(permission-missing\)$/m);
  assert.match(missing.stdout, /^manifest\.json:\d+: advice: no permission reaches the secret one/m);
  const deaf = manifestOf([], [], ["acme.other/said"]);
  writeFileSync(join(folder, "linted/manifest.json"), JSON.stringify(deaf, null, 2));
  const line =
    JSON.stringify(deaf, null, 2)
      .split("\n")
      .findIndex((each) => each.includes("acme.other/said")) + 1;
  const unheard = new RegExp(`^manifest\\.json:${line}: error: this subscribes to acme\\.other/said`, "m");
  assert.match(run(["lint", "linted"]).stdout, unheard);

  const secrets = { name: "secrets_access", names: ["one", "two"], reveal: true, optional: true };
  write([secrets], handler("return ctx.secrets.reveal(name).catch((error) => error.code);"));
  assert.deepEqual(ok(["lint", "linted"])["findings"], []);
  // A run that needed one of them says more than the code, which takes its name from outside.
  const run1 = ["dev", "linted", "--once", "--grant", "secrets_access", "--call", "go", "--input", "-"];
  ok(run1, '{"name":"none"}');
  ok(["secrets", "set", "acme.linted", "one", "--data-dir", join(folder, "state/development")], "first\n");
  ok(run1, '{"name":"one"}');
  const { findings, warnings } = ok(["lint", "linted"]) as {
    warnings: number;
    findings: { rule: string; line: number }[];
  };
  assert.equal(warnings, 1);
  const lines = readFileSync(join(folder, "linted/manifest.json"), "utf8").split("\n");
  assert.deepEqual(
    [findings[0]?.rule, /secrets_access/.test(lines[(findings[0]?.line ?? 0) - 1] ?? "")],
    ["permission-over-wide", true],
  );
  assert.equal(run(["lint", "linted", "--strict"]).status, 3);

  write([secrets], "export default {");
  const broken = run(["lint", "linted"]);
  assert.equal(broken.status, 3);
  assert.match(broken.stdout, /^src\/plugin\.js:1: error: /m);
  writeFileSync(join(folder, "linted/manifest.json"), '{"id": 5}');
  assert.equal(run(["lint", "linted"]).status, 3);
  assert.equal(run(["lint"]).status, 2);
});
