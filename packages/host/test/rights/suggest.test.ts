// Declare, use, suggest, install the suggestion: the same uses work, nothing is asked for again, and what was not
// used is denied.
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "node:test";

import type { Host, PermissionSuggestion } from "@berth/host";
import { programWall } from "@berth/sandbox";
import { covers, permissionOf, permissionSchema, statedPermissionSchema } from "@berth/spec";
import type { PermissionRequest } from "@berth/spec";

import { key, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
/** Does what it is told, such as `["files.read", path]`, and answers each with what came of it. */
const CODE = `var berthPlugin = { actions: {
  async go(uses, ctx) {
    const answers = [];
    for (const [name, ...args] of uses) {
      const path = name.split(".");
      const service = path.slice(0, -1).reduce((of, each) => of[each], ctx);
      try {
        const answer = await service[path.at(-1)](...args);
        if (answer instanceof Uint8Array) answers.push(new TextDecoder().decode(answer));
        else if (name === "fetch") answers.push([answer.status, new TextDecoder().decode(answer.body)]);
        else if (name === "exec.run") answers.push(new TextDecoder().decode(answer.stdout));
        else answers.push(name === "events.publish" ? "published" : (answer ?? null));
      } catch (error) { answers.push(error.code); }
    }
    return answers;
  },
  hear() {},
} };`;

type Use = readonly [string, ...unknown[]];

interface Place {
  readonly folder: string;
  readonly port: number;
}

interface Trip {
  readonly title: string;
  readonly declared: (place: Place) => readonly object[];
  readonly uses: (place: Place) => readonly Use[];
  /** Answers of those, where they are not obvious. */
  readonly answers?: readonly unknown[];
  readonly suggested: (place: Place) => readonly object[];
  /** Uses that the declaration allows and the suggestion denies. */
  readonly beyond: (place: Place) => readonly Use[];
  readonly skip?: string | false;
}

const programs = await programWall();
const noFiles = process.platform !== "linux" && "files need Linux";
const read = (more: object) => ({ name: "file_system_read", ...more });
const write = (more: object) => ({ name: "file_system_write", ...more });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
/** Files of every place. */
const FILES = [
  "in/a.csv",
  "in/b.csv",
  "in/note.txt",
  "in/sub/c.csv",
  "in/odd/*a?[b]\\.txt",
  "other/d.csv",
  ...numbers(40).map((index) => `in/many/f${index}.csv`),
  ...numbers(40).map((index) => `in/deep/d${index}/x.e${index}`),
];

const TRIPS: readonly Trip[] = [
  {
    title: "files that are read, in one of two folders",
    declared: ({ folder }) => [read({ roots: [join(folder, "other"), join(folder, "in")] })],
    uses: ({ folder }) => [
      ["files.read", join(folder, "in/a.csv")],
      ["files.read", join(folder, "in/sub/c.csv")],
    ],
    suggested: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["a.csv", "sub/c.csv"] })],
    beyond: ({ folder }) => [
      ["files.read", join(folder, "in/b.csv")],
      ["files.read", join(folder, "other/d.csv")],
    ],
    skip: noFiles,
  },
  {
    title: "files that are read, under globs of their own",
    declared: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["*.txt", "*.csv"] })],
    uses: ({ folder }) => [["files.read", join(folder, "in/a.csv")]],
    suggested: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["a.csv"] })],
    beyond: ({ folder }) => [
      ["files.read", join(folder, "in/b.csv")],
      ["files.read", join(folder, "in/note.txt")],
    ],
    skip: noFiles,
  },
  {
    title: "more files than a manifest names, of one folder and kind",
    declared: ({ folder }) => [read({ roots: [folder], globs: ["in/**"] })],
    uses: ({ folder }) => numbers(40).map((index) => ["files.read", join(folder, `in/many/f${index}.csv`)]),
    suggested: ({ folder }) => [read({ roots: [folder], globs: ["in/many/*.csv"] })],
    beyond: ({ folder }) => [["files.read", join(folder, "in/a.csv")]],
    skip: noFiles,
  },
  {
    title: "more files than a manifest names, with nothing in common but a folder",
    declared: ({ folder }) => [read({ roots: [folder] })],
    uses: ({ folder }) => numbers(40).map((index) => ["files.read", join(folder, `in/deep/d${index}/x.e${index}`)]),
    suggested: ({ folder }) => [read({ roots: [folder], globs: ["in/deep/**"] })],
    beyond: ({ folder }) => [["files.read", join(folder, "in/a.csv")]],
    skip: noFiles,
  },
  {
    title: "more files than a manifest names, under globs that say no less",
    declared: ({ folder }) => [read({ roots: [folder], globs: ["in/deep/*/x.e?", "in/deep/*/x.e??", "*.csv"] })],
    uses: ({ folder }) => numbers(40).map((index) => ["files.read", join(folder, `in/deep/d${index}/x.e${index}`)]),
    suggested: ({ folder }) => [read({ roots: [folder], globs: ["in/deep/*/x.e?", "in/deep/*/x.e??"] })],
    beyond: () => [],
    skip: noFiles,
  },
  {
    title: "a folder that is listed, and a file with a name that globs read otherwise",
    declared: ({ folder }) => [read({ roots: [join(folder, "in")] })],
    uses: ({ folder }) => [
      ["files.list", join(folder, "in/sub")],
      ["files.read", join(folder, "in/sub/c.csv")],
      ["files.read", join(folder, "in/odd/*a?[b]\\.txt")],
    ],
    suggested: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["odd/?a?[b]?.txt", "sub/*"] })],
    beyond: ({ folder }) => [["files.read", join(folder, "in/a.csv")]],
    skip: noFiles,
  },
  {
    title: "a folder that is listed, under globs that hide some of it",
    declared: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["*.csv", "sub/*", "many/*"] })],
    uses: ({ folder }) => [["files.list", join(folder, "in")]],
    suggested: ({ folder }) => [read({ roots: [join(folder, "in")], globs: ["*.csv"] })],
    beyond: ({ folder }) => [["files.read", join(folder, "in/sub/c.csv")]],
    skip: noFiles,
  },
  {
    title: "files that are written and deleted",
    declared: ({ folder }) => [
      write({ roots: [join(folder, "in")], create: true, delete: true }),
      write({ roots: [join(folder, "other")], create: true, delete: true, globs: ["*.csv"] }),
    ],
    uses: ({ folder }) => [
      ["files.write", join(folder, "other/d.csv"), "changed"],
      ["files.write", join(folder, "in/new.csv"), "x", { create: true }],
      ["files.delete", join(folder, "in/new.csv")],
    ],
    answers: [null, null, null],
    suggested: ({ folder }) => [
      write({ roots: [join(folder, "in")], globs: ["new.csv"], create: true, delete: true }),
      write({ roots: [join(folder, "other")], globs: ["d.csv"] }),
    ],
    beyond: ({ folder }) => [
      ["files.write", join(folder, "other/e.csv"), "x", { create: true }],
      ["files.delete", join(folder, "other/e.csv")],
      ["files.makeFolder", join(folder, "in/new")],
    ],
    skip: noFiles,
  },
  {
    title: "hosts and methods",
    declared: ({ port }) => [
      {
        name: "network_restricted",
        hosts: ["*.example.com", "localhost"],
        ports: [port, 443],
        methods: ["POST", "GET"],
      },
    ],
    uses: ({ port }) => [["fetch", `http://localhost:${port}/`]],
    answers: [[200, "GET none"]],
    suggested: ({ port }) => [{ name: "network_restricted", hosts: ["localhost"], ports: [port] }],
    beyond: ({ port }) => [["fetch", `http://localhost:${port}/`, { method: "POST" }]],
  },
  {
    title: "a secret in a header",
    declared: ({ port }) => [
      {
        name: "network_restricted",
        hosts: ["localhost"],
        ports: [port],
        methods: ["GET", "POST"],
        secretHeaders: [{ header: "x-key", secret: "one" }],
      },
      { name: "secrets_access", names: ["two", "one"], reveal: true },
    ],
    uses: ({ port }) => [["fetch", `http://localhost:${port}/`]],
    answers: [[200, "GET first"]],
    suggested: ({ port }) => [
      {
        name: "network_restricted",
        hosts: ["localhost"],
        ports: [port],
        secretHeaders: [{ header: "x-key", secret: "one" }],
      },
      { name: "secrets_access", names: ["one"] },
    ],
    beyond: ({ port }) => [
      ["fetch", `http://localhost:${port}/`, { method: "POST" }],
      ["secrets.reveal", "one"],
    ],
  },
  {
    title: "every host",
    declared: () => [{ name: "network_unrestricted" }],
    uses: ({ port }) => [["fetch", `http://localhost:${port}/`]],
    // The right holds, and opens no private address.
    answers: ["BROKER_ADDRESS_DENIED"],
    suggested: () => [{ name: "network_unrestricted" }],
    beyond: () => [],
  },
  {
    title: "commands",
    declared: ({ folder }) => [
      {
        name: "system_exec",
        commands: [{ run: ["/bin/cat"] }, { run: ["/bin/echo", "{text}"] }],
        workingDirectory: folder,
        write: true,
        environment: ["LANG", "TZ"],
      },
    ],
    uses: () => [["exec.run", ["/bin/echo", "{text}"], { values: { text: "hi" }, environment: ["TZ"] }]],
    answers: ["hi\n"],
    suggested: ({ folder }) => [
      {
        name: "system_exec",
        commands: [{ run: ["/bin/echo", "{text}"] }],
        workingDirectory: folder,
        environment: ["TZ"],
      },
    ],
    beyond: () => [["exec.run", ["/bin/cat"]]],
    skip: programs.kind === "missing" && `no wall for programs here: ${programs.missing.why}`,
  },
  {
    title: "the caller's records",
    declared: () => [
      {
        name: "user_data_access",
        entities: ["contacts", "notes"],
        fields: ["*"],
        verbs: ["read", "update"],
        purpose: "to test",
        mayLeaveTo: ["a.example"],
      },
    ],
    uses: () => [["user.data.get", "contacts", "1", { fields: ["name"] }]],
    answers: [{ name: "Ann" }],
    suggested: () => [
      {
        name: "user_data_access",
        entities: ["contacts"],
        fields: ["name"],
        verbs: ["read"],
        purpose: "to test",
        mayLeaveTo: ["a.example"],
      },
    ],
    beyond: () => [
      ["user.data.get", "contacts", "1", { fields: ["email"] }],
      ["user.data.get", "notes", "1", { fields: ["name"] }],
    ],
  },
  {
    title: "secrets that are seen",
    declared: () => [{ name: "secrets_access", names: ["two", "one"], reveal: true }],
    uses: () => [["secrets.reveal", "one"]],
    answers: ["first"],
    suggested: () => [{ name: "secrets_access", names: ["one"], reveal: true }],
    beyond: () => [["secrets.reveal", "two"]],
  },
  {
    title: "events and other plugins' actions",
    declared: () => [
      {
        name: "platform_services",
        events: { publish: ["acme.demo/*"], subscribe: ["acme.demo/said", "acme.demo/kept"] },
        plugins: { actions: ["acme.other/*"], withTheirRights: true },
        ai: { models: ["*"], tokensPerDay: 10 },
      },
    ],
    uses: () => [
      ["events.publish", "said", "hi"],
      ["plugins.call", "acme.other", "echo", 7],
    ],
    answers: ["published", 7],
    suggested: () => [
      {
        name: "platform_services",
        events: { publish: ["acme.demo/said"], subscribe: ["acme.demo/said"] },
        plugins: { actions: ["acme.other/echo"], withTheirRights: true },
      },
    ],
    beyond: () => [
      ["events.publish", "kept", "hi"],
      ["plugins.call", "acme.other", "recall", null],
    ],
  },
  {
    title: "services that are not used go",
    declared: () => [
      {
        name: "platform_services",
        events: { publish: ["acme.demo/*"] },
        plugins: { actions: ["acme.other/*"] },
      },
    ],
    uses: () => [["plugins.call", "acme.other", "echo", 7]],
    answers: [7],
    suggested: () => [{ name: "platform_services", plugins: { actions: ["acme.other/echo"] } }],
    beyond: () => [["events.publish", "said", "hi"]],
  },
];

const ID = "acme.demo";
const go = (host: Host<string>, uses: readonly Use[]): Promise<unknown[]> =>
  host.call(ID, "go", uses, { caller: "ann" }) as Promise<unknown[]>;

const packageOf = (version: string, permissions: readonly object[]): Uint8Array => {
  const needsOther = JSON.stringify(permissions).includes("acme.other/");
  const heard = ["said", "kept"].filter((event) => JSON.stringify(permissions).includes(`${ID}/${event}"`));
  return makePackage({
    version,
    code: CODE,
    manifest: {
      permissions,
      secrets: ["one", "two"],
      ...(needsOther && { dependencies: { "acme.other": "*" } }),
      contributes: {
        actions: { go: any, hear: any },
        events: { said: { payload: true }, kept: { payload: true } },
        subscriptions: Object.fromEntries(heard.map((event) => [`${ID}/${event}`, { action: "hear" }])),
      },
    },
  });
};

async function withPlace(work: (place: Place, host: Host<string>) => Promise<void>): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-suggest-")));
  // Where this test is root's, commands have a user of their own.
  await chmod(folder, 0o755);
  for (const file of FILES) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), file);
  }
  const server = createServer((request, response) =>
    response.end(`${request.method} ${request.headers["x-key"] ?? "none"}`),
  );
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  try {
    await withHost(
      async (host) => {
        const other = await host.plan(makePackage({ id: "acme.other" }));
        await host.install(other, { grant: [], trustKey: key.keyId });
        await work({ folder, port: (server.address() as AddressInfo).port }, host);
      },
      {
        policy: {
          privateHosts: ["localhost"],
          grants: [statedPermissionSchema.parse({ name: "network_unrestricted" })],
        },
        userData: { read: async () => ({ name: "Ann" }), update: async () => undefined },
      },
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}

/** Installs the first release with all that it asks for. */
async function declare(host: Host<string>, declared: readonly object[]): Promise<void> {
  const plan = await host.plan(packageOf("1.0.0", declared));
  await host.install(plan, { grant: plan.permissions.map(({ permission }) => permission) });
  await host.setSecret(ID, "one", "first");
  await host.setSecret(ID, "two", "second");
}

/** Installs the suggestion as the next release; nobody agrees to anything. */
async function installSuggested(host: Host<string>, { permissions }: PermissionSuggestion): Promise<void> {
  await host.install(await host.plan(packageOf("1.0.1", permissions)), { grant: [] });
}

/** Events arrive on their own. */
async function untilHeard(host: Host<string>, declared: readonly object[]): Promise<void> {
  if (!JSON.stringify(declared).includes("subscribe")) return;
  while (
    !(await host.journal({ pluginId: ID })).some(
      ({ kind, detail }) => kind === "use" && detail?.includes('"subscribe":["'),
    )
  )
    await new Promise((resolve) => setTimeout(resolve, 20));
}

for (const { title, declared, uses, answers, suggested, beyond, skip = false } of TRIPS) {
  test(`the suggestion works as the next release: ${title}`, { skip, timeout: 60_000 }, () =>
    withPlace(async (place, host) => {
      const asked = declared(place).map((each) => ({ ...each, reason: "to test" }));
      await declare(host, asked);
      const before = await go(host, uses(place));
      if (answers !== undefined) assert.deepEqual(before, answers);
      for (const answer of before)
        assert.ok(answers !== undefined || !String(answer).startsWith("BROKER_"), String(answer));
      await untilHeard(host, asked);
      const suggestion = await host.suggestPermissions(ID);
      const parsed = (all: readonly object[]): PermissionRequest[] =>
        all.map((each) => permissionSchema.parse({ ...each, reason: "to test" }));
      assert.deepEqual(suggestion.permissions, parsed(suggested(place)));
      assert.ok(suggestion.isComplete);
      for (const each of suggestion.permissions)
        assert.ok(parsed(asked).some((wide) => covers(permissionOf(wide), permissionOf(each))));

      const allowed = await go(host, beyond(place));
      for (const answer of allowed) assert.notEqual(answer, "BROKER_DENIED");
      await installSuggested(host, suggestion);
      assert.deepEqual(await go(host, uses(place)), before);
      assert.deepEqual(
        await go(host, beyond(place)),
        beyond(place).map(() => "BROKER_DENIED"),
      );
    }),
  );
}

test("what a plugin lends to those that it calls counts as its own use", () =>
  withPlace(async ({ port }, host) => {
    const network = { name: "network_restricted", hosts: ["localhost"], ports: [port], reason: "to test" };
    const callee = makePackage({
      id: "acme.callee",
      code: CODE,
      manifest: { permissions: [network], contributes: { actions: { go: any } } },
    });
    const planned = await host.plan(callee);
    await host.install(planned, { grant: planned.permissions.map(({ permission }) => permission) });
    const services = { name: "platform_services", plugins: { actions: ["acme.callee/go"] }, reason: "to test" };
    const caller = (version: string, permissions: readonly object[]): Uint8Array =>
      makePackage({
        version,
        code: CODE,
        manifest: { permissions, dependencies: { "acme.callee": "*" }, contributes: { actions: { go: any } } },
      });
    const plan = await host.plan(caller("1.0.0", [services, network]));
    await host.install(plan, { grant: plan.permissions.map(({ permission }) => permission) });
    const uses: Use[] = [["plugins.call", "acme.callee", "go", [["fetch", `http://localhost:${port}/`]]]];
    const answer = [[[200, "GET none"]]];
    assert.deepEqual(await go(host, uses), answer);
    const { permissions, unused } = await host.suggestPermissions(ID);
    assert.deepEqual([permissions.map(({ name }) => name), unused], [["platform_services", "network_restricted"], []]);
    await host.install(await host.plan(caller("1.0.1", permissions)), { grant: [] });
    assert.deepEqual(await go(host, uses), answer);
    assert.ok((await host.grants(ID)).every(({ lastUsedAt }) => lastUsedAt !== undefined));
  }));

test("a use that no manifest can name makes the suggestion incomplete", { skip: noFiles }, () =>
  withPlace(async ({ folder }, host) => {
    await writeFile(join(folder, "in/two\nlines"), "x");
    await declare(host, [{ name: "file_system_read", roots: [join(folder, "in")], reason: "to test" }]);
    assert.deepEqual(await go(host, [["files.read", join(folder, "in/two\nlines")]]), ["x"]);
    const { uses, isComplete } = await host.suggestPermissions(ID);
    assert.deepEqual([uses, isComplete], [0, false]);
  }),
);
