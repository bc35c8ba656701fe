import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";

import type { HostOptions } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { exchange } from "../../src/broker/http-exchange.ts";
import { makeNetworkService } from "../../src/broker/network.ts";
import type { NetworkParts } from "../../src/broker/network.ts";
import { makePermissionsService } from "../../src/broker/permissions.ts";
import { isPublicAddress } from "../../src/broker/public-address.ts";
import type { ServiceCall } from "../../src/broker/service.ts";
import type { Rights } from "../../src/rights/rights.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async go({ url, options }, ctx) {
    try {
      const { status, url: end, body, headers } = await ctx.fetch(url, options);
      return { status, end, text: new TextDecoder().decode(body), headers };
    } catch (error) { return { code: error.code ?? error.name, details: error.details ?? null }; }
  },
  async pure(url, ctx) { try { await ctx.fetch(url); return "sent"; } catch (error) { return error.code; } },
} };`;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

type NetworkPermission = Extract<Permission, { name: "network_restricted" }>;

/** What it takes beside the network to have secrets put into headers. */
const mayInject = ({ secretHeaders = [] }: Partial<NetworkPermission>, more: object = {}): object[] =>
  secretHeaders.length === 0
    ? []
    : [{ name: "secrets_access", names: secretHeaders.map(({ secret }) => secret), reason: "to test", ...more }];

/** A plugin with a right to one local server, and what it got to see. */
async function withServer(
  handler: Handler,
  work: (
    go: (path: string, options?: object) => Promise<Record<string, unknown>>,
    context: { port: number; host: Parameters<Parameters<typeof withHost>[0]>[0] },
  ) => Promise<void>,
  permission: Partial<NetworkPermission> = {},
  options: Partial<HostOptions<string>> = {},
  others: readonly object[] = mayInject(permission),
): Promise<void> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await withHost(
      async (host) => {
        const asked = {
          name: "network_restricted",
          hosts: ["localhost"],
          ports: [port],
          methods: ["GET", "POST"],
          reason: "to test",
          ...permission,
        };
        await install(
          host,
          makePackage({
            code: CODE,
            manifest: {
              permissions: [asked, ...others],
              secrets: ["token", "other"],
              contributes: { actions: { go: any, pure: { ...any, effect: "pure" } } },
            },
          }),
        );
        const go = async (path: string, sent: object = {}): Promise<Record<string, unknown>> => {
          const url = path.startsWith("/") ? `http://localhost:${port}${path}` : path;
          return (await host.call("acme.demo", "go", { url, options: sent })) as Record<string, unknown>;
        };
        await work(go, { port, host });
      },
      { policy: { privateHosts: ["localhost"] }, ...options },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const echo: Handler = (request, response) => {
  let body = "";
  request.on("data", (part: Buffer) => (body += part.toString()));
  request.on("end", () => {
    response.setHeader("x-seen", request.headers["authorization"] ?? "none");
    response.end(`${request.method} ${request.url} ${body}`);
  });
};

test("talks to a host that it has a right to, and to no other", () =>
  withServer(echo, async (go, { port, host }) => {
    assert.deepEqual((await go("/a?b#c"))["text"], "GET /a?b ");
    assert.deepEqual((await go("/", { method: "POST", body: "hello" }))["text"], "POST / hello");
    for (const [url, options, parameter] of [
      [`http://example.com:${port}/`, {}, "hosts"],
      [`http://localhost.evil.example:${port}/`, {}, "hosts"],
      [`http://localhost:${port + 1}/`, {}, "ports"],
      ["http://localhost/", {}, "ports"],
      [`http://localhost:${port}/`, { method: "DELETE" }, "methods"],
    ] as const) {
      assert.deepEqual(await go(url, options), {
        code: "BROKER_DENIED",
        details: { term: "manifest", permission: "network_restricted", parameter },
      });
    }
    const denials = (await host.journal()).filter(({ kind }) => kind === "denial");
    assert.deepEqual(
      [...new Set(denials.map(({ subject }) => String(subject)))].toSorted((a, b) => a.localeCompare(b)),
      ["hosts", "methods", "ports"].map((parameter) => `network.fetch network_restricted.${parameter}`),
    );
  }));

test("an action that is declared pure sends nothing", () =>
  withServer(echo, async (_go, { port, host }) => {
    assert.equal(await host.call("acme.demo", "pure", `http://localhost:${port}/`), "BROKER_EFFECT_DENIED");
  }));

test("refuses what is no plain request", () =>
  withServer(echo, async (go, { port }) => {
    for (const [url, options] of [
      ["file:///etc/passwd", {}],
      ["ftp://localhost/", {}],
      [`http://user:secret@localhost:${port}/`, {}],
      [`http://localhost:${port}/${"x".repeat(9_000)}`, {}],
      ["not a url", {}],
      ["/", { method: "CONNECT" }],
      ["/", { method: "get" }],
      ["/", { body: "a GET with a body" }],
      ["/", { headers: { host: "internal.example" } }],
      ["/", { headers: { "Transfer-Encoding": "chunked" } }],
      ["/", { headers: { "proxy-authorization": "x" } }],
      ["/", { headers: { "x-split": "a\r\nx-injected: b" } }],
      ["/", { headers: { "bad name": "x" } }],
      ["/", { headers: { A: "1", a: "2" } }],
      ["/", { headers: "x" }],
      ["/", { method: "POST", body: { not: "bytes" } }],
    ] as const) {
      assert.equal((await go(url, options))["code"], "BROKER_REQUEST_INVALID", `${url} ${JSON.stringify(options)}`);
    }
  }));

test("every spelling of a private address is refused, whatever was granted", () =>
  withServer(
    echo,
    async (go, { port }) => {
      for (const host of ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "10.0.0.1", "169.254.169.254"])
        assert.equal((await go(`http://${host}:${port}/`))["code"], "BROKER_ADDRESS_DENIED", host);
      for (const host of ["[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"])
        assert.match(String((await go(`http://${host}:${port}/`))["code"]), /BROKER_(?:ADDRESS_)?DENIED/, host);
    },
    { hosts: ["127.0.0.1", "10.0.0.1", "169.254.169.254"] },
  ));

test("knows which addresses are public", () => {
  for (const address of ["1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "9.255.255.255"])
    assert.equal(isPublicAddress(address), true, address);
  for (const address of [
    ..."0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255".split(
      " ",
    ),
    ...":: ::1 ::ffff:1.1.1.1 ::ffff:7f00:1 64:ff9b::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: fc00::1 fe80::1 ff02::1".split(
      " ",
    ),
    "",
    "localhost",
    "1.1.1",
    "1.1.1.1.1",
    "1.1.1.1 ",
  ])
    assert.equal(isPublicAddress(address), false, address);
});

test("connects to the address that was checked, and asks the name once", async () => {
  const server = createServer(echo);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answers = [[{ address: "127.0.0.1", family: 4 }], [{ address: "192.0.2.1", family: 4 }]];
  let asked = 0;
  const ask = (privateHosts: ReadonlySet<string>): ReturnType<typeof exchange> =>
    exchange({
      url: new URL(`http://rebinding.example:${port}/`),
      method: "GET",
      headers: new Map(),
      body: undefined,
      privateHosts,
      signal: AbortSignal.timeout(5_000),
      onBytes: () => undefined,
      resolve: async () => answers[asked++] ?? [],
    });
  try {
    assert.equal((await ask(new Set(["rebinding.example"]))).status, 200);
    assert.equal(asked, 1);
    asked = 0;
    await assert.rejects(ask(new Set()), { code: "BROKER_ADDRESS_DENIED" });
    answers[0] = [
      { address: "1.1.1.1", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    asked = 0;
    await assert.rejects(ask(new Set()), { code: "BROKER_ADDRESS_DENIED" });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("each redirect needs a right of its own", () =>
  withServer(
    (request, response) => {
      const to = new URL(request.url ?? "/", "http://x").searchParams.get("to");
      if (request.url === "/loop") return void response.writeHead(302, { location: "/loop" }).end();
      if (to === null) return echo(request, response);
      response.writeHead(Number(request.headers["x-status"] ?? 302), { location: to }).end();
    },
    async (go, { port }) => {
      const to = (target: string): string => `/?to=${encodeURIComponent(target)}`;
      assert.equal((await go(to("/end")))["text"], "GET /end ");
      assert.equal((await go(to("/end"), { method: "POST", body: "x" }))["text"], "GET /end ");
      assert.equal(
        (await go(to("/end"), { method: "POST", body: "x", headers: { "x-status": "307" } }))["text"],
        "POST /end x",
      );
      assert.equal((await go(to("/end"), { redirect: "manual" }))["status"], 302);
      assert.equal((await go(to(`http://127.0.0.1:${port}/`)))["code"], "BROKER_DENIED");
      assert.equal((await go(to("http://169.254.169.254/latest/meta-data")))["code"], "BROKER_DENIED");
      assert.equal((await go(to("file:///etc/passwd")))["code"], "BROKER_REQUEST_INVALID");
      assert.equal((await go(to(`http://a:b@localhost:${port}/`)))["code"], "BROKER_REQUEST_INVALID");
      assert.equal((await go("/loop"))["code"], "BROKER_NETWORK_FAILED");
    },
  ));

test("no variable of the environment sends a request through a proxy", () =>
  withServer(echo, async (go) => {
    const names = ["HTTP_PROXY", "http_proxy", "NODE_USE_ENV_PROXY"];
    for (const name of names) process.env[name] = name.startsWith("NODE") ? "1" : "http://127.0.0.1:9";
    try {
      assert.equal((await go("/direct"))["text"], "GET /direct ");
    } finally {
      for (const name of names) Reflect.deleteProperty(process.env, name);
    }
  }));

test("the bytes of a day are counted before they are taken in, and over restarts of the plugin", () =>
  withServer(
    (_request, response) => void response.end("x".repeat(6_000)),
    async (go, { host }) => {
      assert.equal((await go("/"))["status"], 200);
      assert.equal((await go("/"))["code"], "BROKER_QUOTA_EXCEEDED");
      await host.disable("acme.demo");
      await host.enable("acme.demo");
      assert.equal((await go("/"))["code"], "BROKER_QUOTA_EXCEEDED");
    },
    { bytesPerDay: 10_000 },
  ));

test("headers count like bodies, in both directions", async () => {
  const headers = { "x-data": "x".repeat(6_000) };
  await withServer(
    (_request, response) => void response.end(),
    async (go) => {
      assert.equal((await go("/", { headers }))["status"], 200);
      assert.equal((await go("/", { headers }))["code"], "BROKER_QUOTA_EXCEEDED");
    },
    { bytesPerDay: 10_000 },
  );
  await withServer(
    (_request, response) => void response.writeHead(200, headers).end(),
    async (go) => {
      assert.equal((await go("/"))["status"], 200);
      assert.equal((await go("/"))["code"], "BROKER_QUOTA_EXCEEDED");
    },
    { bytesPerDay: 10_000 },
  );
});

test("what only looks like headers or a permission is refused before it is taken apart", async () => {
  const rights = { verify: () => assert.fail("not reached"), has: () => assert.fail("not reached") };
  const network = makeNetworkService({ rights } as unknown as NetworkParts).methods.get("fetch");
  const permissions = makePermissionsService(rights as unknown as Rights).methods.get("has");
  const call = { signal: () => new AbortController().signal } as unknown as ServiceCall;
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`h${index}`, "x"]));
  for (const [method, request] of [
    [network, { url: "https://a.example/", headers: new Uint8Array(1_048_576) }],
    [network, { url: "https://a.example/", headers: [["a", "b"]] }],
    [network, { url: "https://a.example/", headers: many }],
    [permissions, { permission: { name: "network_restricted", hosts: Array(250_000).fill(1) } }],
  ] as const)
    await assert.rejects(async () => method?.run(call, request), { code: "BROKER_REQUEST_INVALID" });
});

test("no secret leaves for the internet in clear text", () =>
  withServer(
    echo,
    async (go, { host, port }) => {
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      assert.equal((await go(`http://93.184.215.14:${port}/`))["code"], "BROKER_REQUEST_INVALID");
      assert.equal((await go("/"))["status"], 200, "the policy names this host");
    },
    { hosts: ["localhost", "93.184.215.14"], secretHeaders: [{ header: "Authorization", secret: "token" }] },
  ));

test("a secret is put into its header by the host, and the code never sees it", () =>
  withServer(
    echo,
    async (go, { host }) => {
      assert.equal((await go("/"))["code"], "BROKER_SECRET_MISSING");
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      assert.equal((await go("/"))["headers"] !== undefined, true);
      assert.equal(((await go("/"))["headers"] as Record<string, string>)["x-seen"], "Bearer s3cret");
      assert.equal((await go("/", { headers: { Authorization: "mine" } }))["code"], "BROKER_REQUEST_INVALID");
      await assert.rejects(host.setSecret("acme.demo", "unnamed", "x"), { code: "HOST_SECRET_INVALID" });
      assert.deepEqual(
        (await host.secrets("acme.demo")).map(({ name, version }) => [name, version]),
        [["token", 1]],
      );
    },
    { secretHeaders: [{ header: "authorization", secret: "token" }] },
  ));

const withToken = { secretHeaders: [{ header: "authorization", secret: "token" }] };
const noInjection = (term: string, parameter?: string): object => ({
  code: "BROKER_DENIED",
  details: { term, permission: "secrets_access", ...(parameter !== undefined && { parameter }) },
});

/** Counts requests that reached it. */
function counting(): { readonly handler: Handler; readonly seen: () => number } {
  let seen = 0;
  return {
    handler: (request, response) => {
      seen += 1;
      echo(request, response);
    },
    seen: () => seen,
  };
}

interface Lack {
  readonly term: string;
  readonly parameter?: string;
  readonly others?: readonly object[];
  readonly policy?: HostOptions<string>["policy"];
}
const LACKS: readonly Lack[] = [
  { term: "manifest", others: [] },
  { term: "manifest", parameter: "names", others: mayInject({ secretHeaders: [{ header: "x", secret: "other" }] }) },
  { term: "policy", others: mayInject(withToken, { optional: true }), policy: { deny: ["secrets_access"] } },
  {
    term: "policy",
    parameter: "names",
    policy: { ceilings: [{ name: "secrets_access", names: ["other"], reveal: true }] },
  },
  { term: "grant", policy: { isUnattended: true } },
];

for (const { term, parameter, others = mayInject(withToken), policy = {} } of LACKS) {
  test(`no secret is put into a header that the ${term} does not give${parameter === undefined ? "" : " by name"}`, () => {
    const { handler, seen } = counting();
    return withServer(
      handler,
      async (go, { host }) => {
        await host.setSecret("acme.demo", "token", "Bearer s3cret");
        if (term === "grant") await host.revoke("acme.demo", "secrets_access");
        assert.deepEqual(await go("/"), noInjection(term, parameter));
        assert.equal(seen(), 0, "nothing was sent");
        const denials = (await host.journal()).filter(({ kind }) => kind === "denial");
        const subject = `network.fetch secrets_access${parameter === undefined ? "" : `.${parameter}`}`;
        assert.deepEqual(
          denials.map((each) => each.subject),
          [subject],
        );
      },
      withToken,
      { policy: { privateHosts: ["localhost"], ...policy } },
      others,
    );
  });
}

test("a caller without the secret has none injected", () => {
  const ports = [1];
  return withServer(
    echo,
    async (_go, { host, port }) => {
      ports[0] = port;
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      const as = (caller: string): Promise<unknown> =>
        host.call("acme.demo", "go", { url: `http://localhost:${port}/` }, { caller });
      assert.deepEqual(await as("bert"), noInjection("caller"));
      assert.equal(((await as("anna")) as { status: number }).status, 200);
    },
    withToken,
    {
      policy: { privateHosts: ["localhost"] },
      rightsOf: (user) =>
        [
          { name: "network_restricted", hosts: ["localhost"], ports, ...withToken },
          ...(user === "anna" ? [{ name: "secrets_access", names: ["token"] }] : []),
        ].map((each) => statedPermissionSchema.parse(each)),
    },
  );
});

test("an injected secret is a use of its own, which is suggested, lent and taken back like any other", () => {
  const { handler, seen } = counting();
  return withServer(
    handler,
    async (go, { host, port }) => {
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      assert.equal(((await go("/"))["headers"] as Record<string, string>)["x-seen"], "Bearer s3cret");
      const uses = (await host.journal()).filter(({ kind }) => kind === "use");
      assert.deepEqual(
        new Set(uses.map(({ subject, count }) => `${count} ${subject}`)),
        new Set(["1 network_restricted", "1 secrets_access"]),
      );
      const { permissions, unused } = await host.suggestPermissions("acme.demo");
      assert.deepEqual(
        permissions.map((each) => ("names" in each ? each.names : "ports" in each ? each.ports : each.name)),
        [[port], ["token"]],
      );
      assert.deepEqual(unused, []);
      const [taken] = await host.revoke("acme.demo", "secrets_access");
      assert.ok(taken);
      assert.deepEqual(await go("/"), noInjection("grant"));
      assert.equal(seen(), 1);
      await host.grant("acme.demo", taken);
      assert.equal((await go("/"))["status"], 200);
      const grants = await host.grants("acme.demo");
      assert.ok(grants.every(({ lastUsedAt }) => lastUsedAt !== undefined));
    },
    withToken,
    {},
    [{ name: "secrets_access", names: ["token", "other"], reveal: true, reason: "to test" }],
  );
});

test("a request under way ends when its secret is taken back", async () => {
  const reached = Promise.withResolvers<void>();
  await withServer(
    () => reached.resolve(),
    async (go, { host }) => {
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      const answer = go("/");
      await reached.promise;
      await host.revoke("acme.demo", "secrets_access");
      assert.deepEqual(await answer, noInjection("grant"));
    },
    withToken,
  );
});

test("a redirect needs the secret's right again", async () => {
  const hosts: { revoke: (id: string, name: "secrets_access") => Promise<unknown> }[] = [];
  await withServer(
    (request, response) => {
      if (request.url !== "/") return echo(request, response);
      void hosts[0]
        ?.revoke("acme.demo", "secrets_access")
        .then(() => response.writeHead(302, { location: "/next" }).end());
    },
    async (go, { host }) => {
      hosts.push(host);
      await host.setSecret("acme.demo", "token", "Bearer s3cret");
      assert.deepEqual(await go("/"), noInjection("grant"));
    },
    withToken,
  );
});

test("a call in flight loses a right that is taken back at its next request", () => {
  let seen = 0;
  return withServer(
    (_request, response) => {
      seen += 1;
      response.end("ok");
    },
    async (go, { host }) => {
      assert.equal((await go("/"))["status"], 200);
      const taken = await host.revoke("acme.demo", "network_restricted");
      assert.equal(taken.length, 1);
      assert.deepEqual(await go("/"), {
        code: "BROKER_DENIED",
        details: { term: "grant", permission: "network_restricted" },
      });
      assert.equal(seen, 1);
      const [permission] = taken;
      assert.ok(permission);
      await host.grant("acme.demo", permission);
      assert.equal((await go("/"))["status"], 200);
    },
  );
});
