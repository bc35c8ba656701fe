import assert from "node:assert/strict";
import { readFile, mkdtemp, rm, stat, writeFile, readdir, utimes, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { openAnswerCache } from "@berth/client";
import type { RegistryMemory, SeenRegistry, SeenRevision } from "@berth/client";
import { makeRelease } from "@berth/testkit";

import { demo, key, withRegistry } from "../builders.ts";

const code = (expected: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, expected, String(error));
  return true;
};

/** A memory that outlives clients, as the host's does. */
function longMemory(): RegistryMemory {
  let registry: SeenRegistry | undefined;
  const revisions = new Map<string, SeenRevision>();
  return {
    registry: () => Promise.resolve(registry),
    noteRegistry: (seen) => void (registry = seen),
    revision: (id) => Promise.resolve(revisions.get(id)),
    noteRevision: (id, seen) => void revisions.set(id, seen),
  };
}

test("tells a web site and another registry's server from a Berth registry", () =>
  withRegistry(async ({ client, server }) => {
    for (const [type, body] of [
      ["text/html", "<!doctype html><title>Sign in</title>"],
      ["application/json", '{"db_name":"registry","doc_count":1}'],
      ["application/json", "no json"],
      ["application/json", "[]"],
      ["application/json", '{"kind":"berth-registry","format":2}'],
      ["text/plain", ""],
    ] as const) {
      server.misbehave = (_, response) => void response.writeHead(200, { "content-type": type }).end(body);
      await assert.rejects(client().index("acme.demo"), code("CLIENT_NOT_A_REGISTRY"), body);
    }
    server.misbehave = (_, response) => void response.writeHead(404).end();
    await assert.rejects(client().info(), code("CLIENT_NOT_A_REGISTRY"));
  }));

test("refuses an index about another plugin, another publisher, or with a release twice", () =>
  withRegistry(async ({ client, files }) => {
    for (const change of [
      { id: "acme.other" },
      { id: "evil.demo" },
      { publisher: { name: "evil", keys: [] } },
      { releases: [demo.index, demo.index] },
      { releases: [{ ...demo.index, keyId: `sha256:${"0".repeat(64)}` }] },
      { releases: [{ ...demo.index, fileSize: 2 ** 30 }] },
      { releases: [{ ...demo.index, version: "1.0.0+build" }] },
      { releases: [{ ...demo.index, fileDigest: "sha256:short" }] },
      { releases: [{ ...demo.index, dependencies: { "no id": "*" } }] },
      { releases: [{ ...demo.index, dependencies: { "acme.b": "not a range at all" } }] },
    ]) {
      files.change("acme.demo", () => change as never);
      await assert.rejects(client().index("acme.demo"), code("CLIENT_ANSWER_INVALID"), JSON.stringify(change));
      files.change("acme.demo", () => ({ id: "acme.demo", releases: [] }));
      files.publish(demo);
      files.change("acme.demo", ({ publisher }) => ({
        publisher: { name: "acme", keys: publisher.keys },
        releases: [demo.index],
      }));
    }
    assert.equal((await client().index("acme.demo"))?.releases.length, 1);
  }));

test("refuses a release that was signed by a key its publisher had taken back", () =>
  withRegistry(async ({ client, files }) => {
    const retire = (retiredAt: string): void =>
      files.change("acme.demo", ({ publisher }) => ({
        publisher: { ...publisher, keys: publisher.keys.map((each) => ({ ...each, retiredAt })) },
      }));
    retire("2026-01-03T00:00:00.000Z");
    assert.ok(await client().index("acme.demo"));
    retire("2026-01-01T12:00:00.000Z");
    await assert.rejects(client().index("acme.demo"), code("CLIENT_ANSWER_INVALID"));
  }));

test("refuses an index that is endless or compressed unasked", () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = (_, response, path) => {
      if (!path.startsWith("index/plugins")) return false;
      response.writeHead(200, { "content-type": "application/json" });
      const part = Buffer.alloc(1_048_576, 32);
      const more = (): void => {
        while (!response.destroyed && response.write(part));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
      return true;
    };
    await assert.rejects(client().index("acme.demo"), code("CLIENT_ANSWER_TOO_LARGE"));
    server.misbehave = (_, response) =>
      void response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end("x");
    await assert.rejects(client().index("acme.demo"), code("CLIENT_NOT_A_REGISTRY"));
  }));

test("refuses a file that is longer, shorter or another than announced, and reads no byte too many", () =>
  withRegistry(async ({ client, server }) => {
    const isPackage = (path: string): boolean => path.startsWith("packages/");
    const lies: readonly [string, Uint8Array, boolean][] = [
      ["CLIENT_LENGTH_WRONG", Buffer.concat([demo.bytes, Buffer.from("x")]), true],
      ["CLIENT_LENGTH_WRONG", Buffer.concat([demo.bytes, Buffer.from("x")]), false],
      ["CLIENT_LENGTH_WRONG", demo.bytes.slice(1), true],
      ["CLIENT_LENGTH_WRONG", demo.bytes.slice(1), false],
      ["CLIENT_DIGEST_WRONG", Buffer.alloc(demo.bytes.length), true],
      ["CLIENT_DIGEST_WRONG", makeRelease({ id: "acme.else", key }).bytes, false],
    ];
    for (const [expected, bytes, tellsLength] of lies) {
      server.misbehave = (_, response, path) => {
        if (!isPackage(path)) return false;
        response.writeHead(200, tellsLength ? { "content-length": bytes.length } : {});
        response.end(bytes);
        return true;
      };
      const release = { ...demo.index, ...(expected === "CLIENT_DIGEST_WRONG" && { fileSize: bytes.length }) };
      await assert.rejects(client().download("acme.demo", release), code(expected));
    }
    let sent = 0;
    server.misbehave = (_, response, path) => {
      if (!isPackage(path)) return false;
      response.writeHead(200);
      const part = Buffer.alloc(65_536);
      const more = (): void => {
        if (response.destroyed) return;
        sent += part.length;
        if (response.write(part)) setImmediate(more);
        else response.once("drain", more);
      };
      more();
      return true;
    };
    await assert.rejects(client().download("acme.demo", demo.index), code("CLIENT_LENGTH_WRONG"));
    assert.ok(sent < 64 * 1_048_576, `the endless file was read on: ${sent} bytes`);
  }));

test("a download that breaks is asked for again, one that ends early by promise is refused", () =>
  withRegistry(async ({ client, server }) => {
    let breaks = 1;
    server.misbehave = (_, response, path) => {
      if (!path.startsWith("packages/") || breaks === 0) return false;
      breaks -= 1;
      response.writeHead(200, { "content-length": demo.bytes.length });
      response.write(demo.bytes.slice(0, 10));
      setTimeout(() => response.destroy(), 10);
      return true;
    };
    assert.equal((await client().download("acme.demo", demo.index)).length, demo.bytes.length);
    server.misbehave = (_, response, path) =>
      path.startsWith("packages/") ? void response.writeHead(404).end() : false;
    await assert.rejects(client().download("acme.demo", demo.index), code("CLIENT_RELEASE_UNKNOWN"));
  }));

test("notices a registry that goes back in time, or says two things under one revision", () =>
  withRegistry(async ({ client, files }) => {
    const memory = longMemory();
    files.change("acme.demo", () => ({ revision: 7 }));
    await client({ memory }).index("acme.demo");
    files.change("acme.demo", () => ({ revision: 6 }));
    await assert.rejects(client({ memory }).index("acme.demo"), code("CLIENT_ROLLED_BACK"));
    files.change("acme.demo", () => ({ revision: 7, updatedAt: "2026-02-02T00:00:00.000Z" }));
    assert.ok(await client({ memory }).index("acme.demo"), "words that decide nothing may change");
    files.change("acme.demo", ({ releases }) => ({
      revision: 7,
      releases: releases.map((release) => ({ ...release, yanked: { reason: "hidden", at: release.publishedAt } })),
    }));
    await assert.rejects(client({ memory }).index("acme.demo"), code("CLIENT_ROLLED_BACK"));
    files.change("acme.demo", () => ({ revision: 8 }));
    assert.ok(await client({ memory }).index("acme.demo"));
  }));

test("never accepts a registry without signed metadata that once had it, or another in its place", () =>
  withRegistry(async ({ client, files }) => {
    const memory = longMemory();
    await client({ memory }).info();
    files.describe({ signedMetadata: true });
    await client({ memory }).info();
    files.describe({ signedMetadata: false });
    await assert.rejects(client({ memory }).info(), code("CLIENT_METADATA_MISSING"));
    await assert.rejects(client({ memory }).index("acme.demo"), code("CLIENT_METADATA_MISSING"));
    files.describe({ signedMetadata: true, repository: "another" });
    await assert.rejects(client({ memory }).info(), code("CLIENT_REGISTRY_CHANGED"));
  }));

test("words of the registry reach messages escaped and cut", () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = (_, response) =>
      void response.writeHead(403, { "content-type": "application/problem+json" }).end(
        JSON.stringify({
          type: "about:blank",
          title: "x",
          status: 403,
          detail: `\u001b[2J\u202e${"x".repeat(3_000)}`,
          code: "EVIL\u001b[31m",
          hint: "\u0007bell",
        }),
      );
    await assert.rejects(client().info(), (error: { code: string; message: string; hint: string; details: object }) => {
      assert.equal(error.code, "CLIENT_DENIED");
      const shown = error.message + error.hint + JSON.stringify(error.details);
      assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]/u);
      assert.ok(error.message.length < 800);
      return true;
    });
  }));

test("keeps answers for a day at most, owner-only, and believes none that was tampered with", () =>
  withRegistry(async ({ client, server, files }) => {
    const folder = await mkdtemp(join(tmpdir(), "berth-cache-"));
    let nowMs = Date.parse("2026-03-01T00:00:00Z");
    const open = () => openAnswerCache(folder, { now: () => new Date(nowMs) });
    const statuses: number[] = [];
    server.misbehave = (_, response) => {
      response.on("finish", () => statuses.push(response.statusCode));
      return false;
    };
    try {
      const read = async (): Promise<number[]> => {
        statuses.length = 0;
        assert.equal((await client({ cache: await open() }).index("acme.demo"))?.id, "acme.demo");
        return [...statuses];
      };
      assert.deepEqual(await read(), [200, 200]);
      assert.deepEqual(await read(), [304, 304]);
      for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        const bytes = await readFile(path);
        bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
        await writeFile(path, bytes);
      }
      assert.deepEqual(await read(), [200, 200], "a damaged entry is not used");
      for (const name of await readdir(folder)) await writeFile(join(folder, name), "\n");
      assert.deepEqual(await read(), [200, 200]);
      files.change("acme.demo", () => ({}));
      assert.deepEqual(await read(), [304, 200], "what changed is sent");
      nowMs += 86_400_001;
      assert.deepEqual(await read(), [200, 200], "a day later nothing is left");
      for (const name of await readdir(folder)) await utimes(join(folder, name), 0, 0);
      await open();
      assert.deepEqual(await readdir(folder), []);
      await chmod(folder, 0o777);
      await assert.rejects(open(), code("CLIENT_CACHE_UNUSABLE"));
    } finally {
      await rm(folder, { recursive: true });
    }
  }));

test("an answer that changes the protocol ends the request like a broken connection", { timeout: 20_000 }, () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = (_, { socket }) =>
      void socket?.end("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n");
    await assert.rejects(client().info(), code("CLIENT_REGISTRY_UNREACHABLE"));
  }),
);
