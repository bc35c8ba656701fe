// What plug-ins of Extism's kit reach of the broker: settings, and HTTP within their rights.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";

import { wasm, wasmFresh } from "@berth/engine-wasm";
import type { Host } from "@berth/host";
import type { SecurityLevel } from "@berth/spec";

import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const KIT = readFileSync(new URL("../../../../engines/wasm/test/fixtures/extism-kit.wasm", import.meta.url));

/** A host with the kit's plugin, which may ask one local server, and how often that was asked. */
async function withKit(
  level: SecurityLevel,
  work: (host: Host<string>, port: number, asked: string[]) => Promise<void>,
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(201, { "x-kind": "made" }).end("done");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  const network = {
    name: "network_restricted",
    hosts: ["localhost"],
    ports: [port],
    methods: ["POST"],
    reason: "to test",
  };
  try {
    await withHost(
      async (host) => {
        await install(
          host,
          makePackage({
            entry: { path: "plugin.wasm", bytes: KIT },
            manifest: {
              level,
              runtime: { kind: "wasm", entry: "plugin.wasm" },
              permissions: [network],
              config: { type: "object", properties: { key: { type: "string", default: "from the schema" } } },
              contributes: {
                actions: { readsConfig: any, asksHttp: any, vowels: { ...any, effect: "pure" } },
              },
            },
          }),
        );
        await work(host, port, asked);
      },
      { engines: [wasm(), wasmFresh()], policy: { privateHosts: ["localhost"] } },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const level of ["standard", "strict"] as const) {
  test(`a WebAssembly plugin at ${level} reads its settings, also after a change`, () =>
    withKit(level, async (host) => {
      assert.equal(await host.call("acme.demo", "readsConfig", null), "from the schema");
      await host.setConfig("acme.demo", { key: "set by the operator" });
      assert.equal(await host.call("acme.demo", "readsConfig", null), "set by the operator");
    }));

  test(`a WebAssembly plugin at ${level} sends what it has a right to, and nothing else`, () =>
    withKit(level, async (host, port, asked) => {
      const ask = (path: string, method = "POST"): Promise<unknown> =>
        host.call("acme.demo", "asksHttp", { url: `http://localhost:${port}${path}`, method });
      const { headers, ...answer } = (await ask("/a")) as { headers: Record<string, string> };
      assert.deepEqual([answer, headers["x-kind"]], [{ status: 201, body: "done" }, "made"]);
      await assert.rejects(ask("/b", "DELETE"), /BROKER_DENIED|network_restricted/);
      await host.revoke("acme.demo", "network_restricted");
      await assert.rejects(ask("/c"), /BROKER_DENIED|network_restricted/);
      assert.deepEqual(asked, ["POST /a posted"]);
    }));
}
