import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import type { RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import test from "node:test";

import type { HostOptions } from "@berth/host";

import { exchange } from "../../src/broker/http-exchange.ts";
import { makeResolve } from "../../src/broker/node-resolve.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async go(url, ctx) {
    try { const { status, body } = await ctx.fetch(url); return { status, text: new TextDecoder().decode(body) }; }
    catch (error) { return error.code; }
  },
} };`;

/** A server that speaks bytes, and what a plugin hears from it. */
async function withBytes(
  answer: (socket: Socket) => void,
  permission: (port: number) => object,
  work: (go: () => Promise<unknown>) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => answer(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await withHost(
      async (host) => {
        const permissions = [{ ...permission(port), reason: "to test" }];
        await install(
          host,
          makePackage({ code: CODE, manifest: { permissions, contributes: { actions: { go: any } } } }),
        );
        await work(() => host.call("acme.demo", "go", `http://127.0.0.1:${port}/`));
      },
      { policy: { privateHosts: ["127.0.0.1"] }, ...options },
    );
  } finally {
    server.close();
  }
}

const named = (port: number): object => ({ name: "network_restricted", hosts: ["127.0.0.1"], ports: [port] });

test("a right to every host is none to the private ones of the policy", () =>
  withBytes(
    (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nprivate"),
    () => ({ name: "network_unrestricted" }),
    async (go) => assert.equal(await go(), "BROKER_ADDRESS_DENIED"),
    { policy: { privateHosts: ["127.0.0.1"], grants: [{ name: "network_unrestricted" }] } },
  ));

for (const [what, bytes] of [
  [
    "that turns into another protocol",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nmine",
  ],
  ["with two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 8\r\n\r\nfourfour"],
  [
    "with a length beside chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["with headers without end", `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20_000)}\r\n`],
  ["that is none", "SSH-2.0-OpenSSH_9.9\r\n"],
] as const) {
  test(`an answer ${what} is a failure, and nothing waits for its end`, () =>
    withBytes(
      (socket) => void socket.write(bytes),
      named,
      async (go) => assert.equal(await go(), "BROKER_NETWORK_FAILED"),
    ));
}

test("an answer that is compressed is handed over as it is", () =>
  withBytes(
    (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip"),
    named,
    async (go) => assert.deepEqual(await go(), { status: 200, text: "no gzip" }),
  ));

/** A DNS server on loopback. */
async function withDns(
  answer: (query: Buffer, reply: (message: Buffer) => void) => void,
  work: (server: string) => Promise<void>,
): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (query: Buffer, { port, address }: RemoteInfo) =>
    answer(query, (message) => socket.send(message, port, address)),
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  try {
    await work(`127.0.0.1:${socket.address().port}`);
  } finally {
    socket.close();
  }
}

test("names that nobody answers for keep neither files nor those who stopped waiting", () =>
  withDns(
    () => undefined,
    async (server) => {
      const gone = new AbortController();
      const resolve = makeResolve(new Set(), [server]);
      let isOver = false;
      const lookups = Array.from({ length: 16 }, (_, index) =>
        exchange({
          url: new URL(`https://slow${index}.example/`),
          method: "GET",
          headers: new Map(),
          body: undefined,
          privateHosts: new Set(),
          resolve,
          signal: gone.signal,
          onBytes: () => undefined,
        }).finally(() => (isOver = true)),
      );
      // Node has four threads for files; each look-up of the system would hold one.
      await readFile(import.meta.filename);
      assert.equal(isOver, false);
      gone.abort();
      for (const lookup of lookups) await assert.rejects(lookup, { code: "BROKER_NETWORK_FAILED" });
    },
  ));

test("a public name has the addresses that DNS gives, of both families or one", () =>
  withDns(
    (query, reply) => {
      // RFC 1035, section 4: the question again, and one answer that points to its name, for type A only.
      const end = query.indexOf(0, 12) + 5;
      const isFour = query.readUInt16BE(end - 4) === 1;
      const head = Buffer.from(query.subarray(0, end));
      head.writeUInt16BE(0x8180, 2);
      head.writeUInt16BE(isFour ? 1 : 0, 6);
      head.writeUInt16BE(0, 8);
      head.writeUInt16BE(0, 10);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 215, 14]);
      reply(isFour ? Buffer.concat([head, record]) : head);
    },
    async (server) => {
      const resolve = makeResolve(new Set(["localhost"]), [server]);
      assert.deepEqual(await resolve("public.example"), [{ address: "93.184.215.14", family: 4 }]);
      assert.ok((await resolve("localhost")).every(({ address }) => address === "127.0.0.1" || address === "::1"));
    },
  ));
