import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { DATA_LABEL_HEADER, proofOf, startHostServer } from "@berth/host-http";
import type { HostServer } from "@berth/host-http";
import { problemSchema } from "@berth/spec";
import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

const key = generatePublisherKey();

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

interface Answer {
  readonly status: number;
  readonly label: unknown;
  readonly body: Document;
}

interface World {
  readonly host: Host<string>;
  /** The first is one of the host's `pluginFolders`. */
  readonly folders: readonly [string, string];
  readonly server: HostServer;
  readonly ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
}

async function withServer(work: (world: World) => Promise<void>): Promise<void> {
  const dataDir = await realpath(await mkdtemp(join(tmpdir(), "berth-host-http-")));
  const folders = [join(dataDir, "own"), join(dataDir, "other")] as const;
  for (const folder of folders) await mkdir(folder);
  const host = await openHost<string>({
    dataDir,
    engines: [isolate(), quickjs()],
    pluginFolders: [folders[0]],
    partitionOf: (user) => user,
    userData: { read: async () => ({ name: "Ann" }) },
  });
  const server = await startHostServer(host);
  const ask: World["ask"] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const bytes =
        body instanceof Uint8Array ? body : body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const sent = request(new URL(path, server.url), {
        method,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...(bytes !== undefined && {
            "content-type": body instanceof Uint8Array ? "application/octet-stream" : "application/json",
          }),
          ...headers,
        },
      });
      sent.on("error", reject);
      sent.on("response", (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          resolve({
            status: answer.statusCode ?? 0,
            label: answer.headers[DATA_LABEL_HEADER],
            body: text === "" ? undefined : JSON.parse(text),
          });
        });
      });
      sent.end(bytes);
    });
  try {
    await work({ host, folders, server, ask });
  } finally {
    await server.close();
    await host.close();
    await rm(dataDir, { recursive: true });
  }
}

test("plans, installs and calls over HTTP, with consent in between", () =>
  withServer(async ({ ask }) => {
    const files = new RegistryFiles().publish(
      makeRelease({ id: "acme.top", key, manifest: { dependencies: { "acme.base": "^1" } } }),
      makeRelease({ id: "acme.base", key }),
    );
    const registry = await serveFiles(files.files);
    try {
      assert.equal((await ask("POST", "registries", { name: "tests", url: registry.url })).body.name, "tests");
      const { body } = await ask("POST", "plans", { plugins: { "acme.top": "^1" } });
      assert.deepEqual(
        body.plan.members.map(({ manifest }: Document) => manifest.id),
        ["acme.base", "acme.top"],
      );
      assert.ok(body.plan.members.every((member: Document) => member.packageBytes === undefined));
      const refused = await ask("POST", `plans/${body.id}/install`, { grants: {}, trustKeys: [], confirmedScans: [] });
      assert.deepEqual([refused.status, refused.body.code, refused.body.kind], [403, "HOST_KEY_UNTRUSTED", "denied"]);
      const consent = { grants: {}, trustKeys: [key.keyId], confirmedScans: [] };
      const used = await ask("POST", `plans/${body.id}/install`, consent);
      assert.deepEqual([used.status, used.body.code], [404, "HOST_API_PLAN_UNKNOWN"], "a plan is used once");
      const again = await ask("POST", "plans", { plugins: { "acme.top": "^1" } });
      assert.equal((await ask("POST", `plans/${again.body.id}/install`, consent)).body.installed.length, 2);
      assert.equal((await ask("GET", "plugins")).body.plugins.length, 2);
      assert.deepEqual((await ask("POST", "plugins/acme.top/actions/echo", { a: [1] })).body, { a: [1] });
      const needed = await ask("POST", "uninstalls", { ids: ["acme.base"] });
      assert.deepEqual([needed.status, needed.body.code], [400, "HOST_PLUGIN_NEEDED"]);
      assert.equal((await ask("GET", "registries")).body.bindings[0].publisher, "acme");
      assert.equal((await ask("GET", "lock")).body.releases.length, 2);
      assert.ok((await ask("GET", "journal?limit=3")).body.entries.length === 3);
      assert.equal((await ask("PUT", "plugins/acme.top/state", { state: "disabled" })).body.state, "disabled");
      assert.equal((await ask("POST", "uninstalls", { ids: ["acme.base", "acme.top"] })).body.receipts.length, 2);
    } finally {
      await registry.close();
    }
  }));

test("an answer, or an error, with data of the user's says where that may go", () =>
  withServer(async ({ host, ask }) => {
    const code = `var berthPlugin = { actions: {
      read: async (id, ctx) => (await ctx.user.data.get("contacts", id)).name,
      fail: async (id, ctx) => { throw new Error((await ctx.user.data.get("contacts", id)).name); },
      echo: (value) => value } };`;
    const any = { input: true, output: true };
    const asked = { name: "user_data_access", entities: ["contacts"], purpose: "x", mayLeaveTo: ["b.com", "a.com"] };
    const manifest = {
      permissions: [{ ...asked, reason: "x" }],
      contributes: { actions: { read: any, fail: any, echo: any } },
    };
    const plan = await host.plan(makeRelease({ id: "acme.reads", key, code, manifest }).bytes);
    const grant = plan.permissions.map(({ permission }) => permission);
    await host.install(plan, { grant, trustKey: plan.signer.keyId });
    const call = (action: string, user: string): Promise<Answer> =>
      ask("POST", `plugins/acme.reads/actions/${action}?user=${user}`, "1");
    const label = '{"mayLeaveTo":["a.com","b.com"]}';
    assert.deepEqual(await call("echo", "ann"), { status: 200, label: undefined, body: "1" });
    assert.deepEqual(await call("read", "ann"), { status: 200, label, body: "Ann" });
    const failed = await call("fail", "ann");
    assert.deepEqual([failed.body.code, failed.label], ["SANDBOX_PLUGIN_THREW", label]);
    assert.deepEqual(await call("echo", "ann"), { status: 200, label, body: "1" });
    assert.deepEqual(await call("echo", "bob"), { status: 200, label: undefined, body: "1" });
  }));

test("lists what lies in the host's folders, or in those that are named, to whoever holds the token", () =>
  withServer(async ({ ask, folders: [own, other] }) => {
    await writeFile(join(own, "one.berth"), makeRelease({ id: "acme.one", key }).bytes);
    await writeFile(join(other, "two.berth"), makeRelease({ id: "acme.two", key }).bytes);
    await symlink(other, join(own, "linked"));
    const idsOf = ({ body }: Answer): string[] => body.found.map(({ id }: Document) => id);
    const { status, body } = await ask("GET", "discovery");
    assert.deepEqual([status, body.folders], [200, [{ path: own, isWhole: true, links: 1 }]]);
    assert.deepEqual(
      body.found.map((each: Document) => [each.kind, each.id, each.version, each.signer.status, each.claimants]),
      [["package", "acme.one", "1.0.0", "first-use", 1]],
    );
    const named = (...paths: readonly string[]): string =>
      `discovery?${new URLSearchParams(paths.map((path): [string, string] => ["folder", path]))}`;
    assert.deepEqual(idsOf(await ask("GET", named(other))), ["acme.two"]);
    assert.deepEqual(idsOf(await ask("GET", named(other, own))), ["acme.one", "acme.two"]);
    for (const path of [named("relative"), named(""), "discovery?x=1", named(...Array<string>(17).fill(own))]) {
      const refused = await ask("GET", path);
      assert.deepEqual([refused.status, refused.body.code], [400, "HTTP_REQUEST_INVALID"], path);
    }
    for (const headers of [{ authorization: "Bearer wrong" }, { origin: "http://localhost" }])
      assert.ok([401, 403].includes((await ask("GET", "discovery", undefined, headers)).status));
    const { body: described } = await ask("GET", "openapi.json");
    assert.deepEqual(Object.keys(described.paths["/discovery"]), ["get"]);
    assert.equal(described.paths["/discovery"].get.parameters[0].name, "folder");
    assert.deepEqual((await ask("GET", "plugins")).body, { plugins: [] });
  }));

test("takes a package by upload, once", () =>
  withServer(async ({ ask }) => {
    const { bytes } = makeRelease({ id: "acme.local", key });
    const { id } = (await ask("POST", "packages", bytes)).body;
    assert.equal((await ask("POST", "plans", { packages: [id] })).body.plan.members[0].manifest.id, "acme.local");
    assert.equal((await ask("POST", "plans", { packages: [id] })).body.code, "HOST_API_PACKAGE_UNKNOWN");
  }));

test("answers nobody without the token, and no web page", () =>
  withServer(async ({ ask, server }) => {
    for (const authorization of ["", "Bearer ", "Bearer wrong", `Basic ${server.token}`, `Bearer ${server.token}x`]) {
      for (const [method, path] of [
        ["GET", "plugins"],
        ["GET", "journal"],
        ["POST", "plans"],
        ["POST", "plugins/acme.x/actions/y"],
      ] as const) {
        assert.equal((await ask(method, path, undefined, { authorization })).status, 401, `${method} ${path}`);
      }
    }
    const page = await ask("GET", "plugins", undefined, { origin: "https://evil.example" });
    assert.deepEqual([page.status, page.body.code], [403, "HOST_API_BROWSER_REFUSED"]);
  }));

test("answers no page whose name was pointed at loopback, not even the open path", () =>
  withServer(async ({ ask, server }) => {
    const { port } = new URL(server.url);
    for (const host of [`evil.example:${port}`, "evil.example", `127.0.0.1.evil.example:${port}`, `[::1]:${port}`]) {
      for (const path of ["host?challenge=abc", "plugins"]) {
        const { status, body } = await ask("GET", path, undefined, { host });
        assert.deepEqual([status, body.code], [403, "HOST_API_BROWSER_REFUSED"], `${path} of ${host}`);
      }
    }
    assert.equal((await ask("GET", "plugins", undefined, { host: `localhost:${port}` })).status, 200);
  }));

/** The answer to a path as it is written, which a URL would change. */
const askPath = async (
  { server }: World,
  path: string,
  headers: Record<string, string> = {},
  { method = "GET", body }: { readonly method?: string; readonly body?: string } = {},
): Promise<{ status: number; type: string; text: string; code: string }> => {
  const { port } = new URL(server.url);
  const sent = request({ host: "127.0.0.1", port, path, method, headers });
  sent.end(body);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  const { status, code } = problemSchema.parse(JSON.parse(text));
  assert.equal(status, answer.statusCode);
  return { status, type: answer.headers["content-type"] ?? "", text, code };
};

test("what reaches no route is answered like everything else: nothing is told before the token", () =>
  withServer(async (world) => {
    const { server } = world;
    const authorization = `Bearer ${server.token}`;
    for (const path of [
      "/%",
      "/api/v1/%",
      "/api/v1/plugins/%ff/state",
      "/secret-looking",
      "/",
      `/api/v1/plugins/${"a".repeat(5_000)}/state`,
    ]) {
      const answers = new Set<string>();
      for (const headers of [{}, { authorization: "Bearer wrong" }]) {
        const { status, type, text } = await askPath(world, path, headers);
        assert.deepEqual([status, type], [401, "application/problem+json"], path);
        assert.ok(!text.includes("secret-looking") && !text.includes("%"), text);
        answers.add(text);
      }
      assert.equal(answers.size, 2);
      const page = await askPath(world, path, { authorization, origin: "https://evil.example" });
      const other = await askPath(world, path, { authorization, host: "evil.example" });
      assert.deepEqual([page.code, other.code], ["HOST_API_BROWSER_REFUSED", "HOST_API_BROWSER_REFUSED"], path);
      const { status, code } = await askPath(world, path, { authorization });
      assert.ok(
        (status === 400 && code === "HTTP_REQUEST_INVALID") || (status === 404 && code === "HTTP_NOT_FOUND"),
        `${path} ${status} ${code}`,
      );
    }
    for (const path of ["/nothing", "/", "/api/v1/nothing"])
      for (const [type, body] of [
        ["application/json", "{bad"],
        ["application/json", "x".repeat(2_000_000)],
        ["text/plain", "x".repeat(2_000_000)],
        ["image/png", "x"],
      ] as const) {
        const post = (headers: Record<string, string>): ReturnType<typeof askPath> =>
          askPath(world, path, { "content-type": type, ...headers }, { method: "POST", body });
        const what = `${path} ${type} ${body.slice(0, 4)}`;
        assert.equal((await post({})).code, "HTTP_TOKEN_MISSING", what);
        assert.equal((await post({ authorization: "Bearer wrong" })).code, "HTTP_TOKEN_INVALID", what);
        assert.equal((await post({ authorization, origin: "https://evil" })).code, "HOST_API_BROWSER_REFUSED", what);
        assert.equal((await post({ authorization, host: "evil.example" })).code, "HOST_API_BROWSER_REFUSED", what);
      }
    const nothing = await askPath(world, "/nothing", { authorization }, { method: "POST", body: "{bad" });
    assert.equal(nothing.code, "HTTP_NOT_FOUND");
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.end("no HTTP at all\r\n\r\n");
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    assert.match(
      Buffer.concat(parts).toString(),
      /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*HTTP_REQUEST_INVALID/,
    );
  }));

test("proves that it holds the token without telling it", () =>
  withServer(async ({ ask, server }) => {
    const { body } = await ask("GET", "host?challenge=abc", undefined, { authorization: "" });
    assert.equal(body.proof, proofOf(server.token, "abc"));
    assert.notEqual(body.proof, proofOf(server.token, "abd"));
    assert.ok(!JSON.stringify(body).includes(server.token));
  }));

test("malformed requests are refused by name, and never break the server", () =>
  withServer(async ({ ask }) => {
    for (const [method, path, body] of [
      ["POST", "plans", { plugins: { "no id": "*" } }],
      ["POST", "plans", { plugins: { "acme.aa": "not a range" } }],
      ["POST", "plans", { unknown: 1 }],
      ["POST", "plans", Buffer.from("{")],
      ["POST", "plans", { packages: ["../../etc/passwd"] }],
      ["POST", "registries", { name: "x" }],
      ["POST", "uninstalls", { ids: [] }],
      ["PUT", "plugins/acme.x/state", { state: "quarantined" }],
      ["POST", "keys", { publisher: "Acme", key: {} }],
      ["GET", "journal?limit=0", undefined],
    ] as const) {
      const answer = await ask(method, path, body, { "content-type": "application/json" });
      assert.deepEqual([answer.status, answer.body.code], [400, "HTTP_REQUEST_INVALID"], `${method} ${path}`);
    }
    assert.equal((await ask("GET", "nowhere")).status, 404);
    assert.equal((await ask("POST", "plugins/acme.nobody/actions/x", {})).body.code, "HOST_PLUGIN_UNKNOWN");
    assert.equal((await ask("GET", "plugins")).status, 200);
  }));

const STREAMING = `var berthPlugin = { actions: {
  echo: (value) => value,
  tells(steps, ctx) { ctx.progress({ done: 1, total: steps, message: "half" }); return steps; },
  fails(value, ctx) { ctx.progress({ done: 1 }); throw new RangeError("of the plugin's own"); },
  async *numbers(count, ctx) { try { for (let n = 0; n < count; n++) yield n; } finally { ctx.log.info("over"); } },
  async *breaks() { yield 1; throw new RangeError("of the plugin's own"); },
  async *bytes() { yield new Uint8Array([1]); },
} };`;
const anything = { input: true, output: true };
const streaming = { ...anything, streams: true };

async function installStreaming({ host }: World): Promise<void> {
  const { bytes } = makeRelease({
    id: "acme.demo",
    key,
    code: STREAMING,
    manifest: {
      contributes: {
        actions: {
          echo: anything,
          tells: anything,
          fails: anything,
          numbers: streaming,
          breaks: streaming,
          bytes: streaming,
        },
      },
    },
  });
  const plan = await host.plan(bytes);
  await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
}

/** Runs an action for lines; answers with status and lines, each read as JSON. */
async function linesOf(
  { server }: World,
  action: string,
  input: unknown,
  accept = "application/x-ndjson",
): Promise<{ status: number; lines: Document[] }> {
  const answer = await fetch(new URL(`plugins/acme.demo/actions/${action}`, server.url), {
    method: "POST",
    headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json", accept },
    body: typeof input === "string" ? input : JSON.stringify(input),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    lines: text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  };
}

test("tells progress in lines before the answer to whoever accepts them", () =>
  withServer(async (world) => {
    await installStreaming(world);
    assert.deepEqual(await linesOf(world, "tells", 2), {
      status: 200,
      lines: [{ progress: { done: 1, total: 2, message: "half" } }, { output: 2 }],
    });
    assert.deepEqual((await linesOf(world, "echo", { a: [1] })).lines, [{ output: { a: [1] } }]);
    assert.deepEqual((await linesOf(world, "tells", 2, "*/*")).lines, [2]);
    const failed = await linesOf(world, "fails", null);
    assert.deepEqual(failed.lines[0], { progress: { done: 1 } });
    assert.deepEqual([failed.lines[1].error.code, failed.lines[1].error.kind], ["SANDBOX_PLUGIN_THREW", "input"]);
  }));

test("streams items in lines, and says in the last one how it ended", () =>
  withServer(async (world) => {
    await installStreaming(world);
    assert.deepEqual((await linesOf(world, "numbers", 3)).lines, [
      { item: 0 },
      { item: 1 },
      { item: 2 },
      { end: true },
    ]);
    const broken = await linesOf(world, "breaks", null);
    assert.deepEqual([broken.lines[0], broken.lines[1].error.code], [{ item: 1 }, "SANDBOX_PLUGIN_THREW"]);
    for (const [action, input, status, code] of [
      ["bytes", null, 400, "HOST_API_ITEM_HAS_BYTES"],
      ["numbers", "{", 400, "HOST_API_BODY_INVALID"],
      ["numbers", `"${"x".repeat(1_100_000)}"`, 400, "HOST_API_BODY_INVALID"],
      ["missing", null, 400, "HOST_ACTION_UNKNOWN"],
    ] as const) {
      const refused = await linesOf(world, action, input);
      assert.deepEqual([refused.status, refused.lines[0].code], [status, code], action);
    }
    const { lines } = await linesOf(world, "numbers", 3, "application/json");
    assert.equal(lines[0].code, "HOST_STREAM_MISMATCH");
  }));

test("a line with data of the user's says where that may go", () =>
  withServer(async (world) => {
    const { host, ask } = world;
    const code = `var berthPlugin = { actions: {
      async tells(id, ctx) { const { name } = await ctx.user.data.get("contacts", id); ctx.progress({ message: name }); return name; },
      async *rows(id, ctx) { yield (await ctx.user.data.get("contacts", id)).name; yield "more"; },
      async *breaks(id, ctx) { yield "nothing yet"; throw new RangeError((await ctx.user.data.get("contacts", id)).name); },
      async *fails(id, ctx) { throw new RangeError((await ctx.user.data.get("contacts", id)).name); },
      echo: (value) => value } };`;
    const asked = {
      name: "user_data_access",
      entities: ["contacts"],
      purpose: "x",
      mayLeaveTo: ["a.com"],
      reason: "x",
    };
    const manifest = {
      level: "strict",
      permissions: [asked],
      contributes: {
        actions: { tells: anything, echo: anything, rows: streaming, breaks: streaming, fails: streaming },
      },
    };
    const plan = await host.plan(makeRelease({ id: "acme.demo", key, code, manifest }).bytes);
    const grant = plan.permissions.map(({ permission }) => permission);
    await host.install(plan, { grant, trustKey: plan.signer.keyId });
    const label = { mayLeaveTo: ["a.com"] };
    assert.deepEqual((await linesOf(world, "tells?user=ann", '"1"')).lines, [
      { label, progress: { message: "Ann" } },
      { label, output: "Ann" },
    ]);
    assert.deepEqual((await linesOf(world, "rows?user=ann", '"1"')).lines, [
      { label, item: "Ann" },
      { label, item: "more" },
      { label, end: true },
    ]);
    const broken = (await linesOf(world, "breaks?user=ann", '"1"')).lines;
    assert.equal(broken[0].item, "nothing yet");
    assert.deepEqual([broken[1].label, broken[1].error.code], [label, "SANDBOX_PLUGIN_THREW"]);
    assert.deepEqual((await linesOf(world, "echo?user=ann", '"1"')).lines, [{ output: "1" }]);
    const headers = { accept: "application/x-ndjson" };
    const failed = await ask("POST", "plugins/acme.demo/actions/fails?user=ann", "1", headers);
    assert.deepEqual(
      [failed.status, failed.body.code, failed.label],
      [400, "SANDBOX_PLUGIN_THREW", JSON.stringify(label)],
    );
  }));

test("ends a stream when whoever reads it goes, and asks for no more than is read", () =>
  withServer(async (world) => {
    await installStreaming(world);
    const { server, host } = world;
    const left = new AbortController();
    const answer = await fetch(new URL("plugins/acme.demo/actions/numbers", server.url), {
      method: "POST",
      headers: {
        authorization: `Bearer ${server.token}`,
        "content-type": "application/json",
        accept: "application/x-ndjson",
      },
      body: "1000000000",
      signal: left.signal,
    });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const { value } = await reader.read();
    assert.match(Buffer.from(value as Uint8Array).toString(), /^\{"item":0\}\n/);
    left.abort();
    while ((await host.running()).some(({ callsUnderWay }) => callsUnderWay > 0))
      await new Promise((wake) => setTimeout(wake, 5));
    const [statistics] = await host.statistics();
    assert.equal(statistics?.calls, 1);
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
  }));

test("tells what runs now, and asks for nothing to be started", () =>
  withServer(async (world) => {
    await installStreaming(world);
    const { ask, server } = world;
    assert.deepEqual((await ask("GET", "running")).body, { plugins: [], processes: [] });
    await ask("POST", "plugins/acme.demo/actions/echo", 1);
    const { body } = await ask("GET", "running?plugin=acme.demo");
    const [{ compartments, callsUnderWay, callsWaiting, processes, losses, isSuspect }] = body.plugins;
    assert.deepEqual(
      [body.plugins[0].plugin, compartments, callsUnderWay, callsWaiting, processes, losses, isSuspect],
      ["acme.demo", 1, 0, 0, 1, 0, false],
    );
    assert.deepEqual(
      body.processes.map(({ engine, level, plugins }: Document) => [engine, level, plugins]),
      [["isolate", "standard", ["acme.demo"]]],
    );
    assert.equal((await ask("GET", "running?plugin=acme.nobody")).body.code, "HOST_PLUGIN_UNKNOWN");
    assert.equal((await ask("GET", "running?plugin=1")).body.code, "HTTP_REQUEST_INVALID");
    assert.equal((await fetch(new URL("running", server.url))).status, 401);
  }));

test("tells statistics by period", () =>
  withServer(async (world) => {
    await installStreaming(world);
    const { ask } = world;
    await ask("POST", "plugins/acme.demo/actions/echo", 1);
    const { body } = await ask("GET", "statistics?plugin=acme.demo&from=2020-01-01T00:00:00Z");
    assert.deepEqual(
      body.actions.map(({ action, calls, outcomes, retries }: Document) => [action, calls, outcomes, retries]),
      [["echo", 1, { ok: 1 }, 0]],
    );
    assert.deepEqual((await ask("GET", "statistics?to=2020-01-01T00:00:00Z")).body, { actions: [] });
    const [use] = (await ask("GET", "usage?plugin=acme.demo")).body.plugins;
    assert.deepEqual([use.calls, use.losses, use.lossReasons], [1, 0, {}]);
    assert.equal((await ask("GET", "usage?from=yesterday")).body.code, "HTTP_REQUEST_INVALID");
    assert.equal((await ask("GET", "usage?plugin=acme.nobody")).body.code, "HOST_PLUGIN_UNKNOWN");
  }));
