import assert from "node:assert/strict";
import { readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { Decrypter } from "age-encryption";

import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async see(name, ctx) { try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; } },
  settings: (value, ctx) => ctx.config.get(),
} };`;
const SECRET = "correct-horse-battery-staple";

const bytes = (id = "acme.demo", version = "1.0.0", config?: object): Uint8Array =>
  makePackage({
    id,
    version,
    code: CODE,
    manifest: {
      permissions: [{ name: "secrets_access", names: ["one", "two"], reveal: true, reason: "to test" }],
      secrets: ["one", "two"],
      ...(config !== undefined && { config }),
      contributes: { actions: { see: any, settings: any } },
    },
  });

const openAgain = (dataDir: string): Promise<Host<string>> => openHost<string>({ dataDir, engines: [isolate()] });

async function changeDatabase(dataDir: string, sql: string): Promise<void> {
  const database = new DatabaseSync(join(dataDir, "host.sqlite"));
  database.exec(sql);
  database.close();
}

test("a secret is on disk only sealed, and goes with its plugin", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", SECRET);
    assert.equal(await host.call("acme.demo", "see", "one"), SECRET);
    assert.equal(await host.call("acme.demo", "see", "two"), "BROKER_SECRET_MISSING");
    for (const name of (await readdir(dataDir)).filter((each) => each !== "packages"))
      assert.equal((await readFile(join(dataDir, name))).includes(SECRET), false, name);
    for (const name of ["operator.agekey", "vault.age"])
      assert.equal((await stat(join(dataDir, name))).mode & 0o077, 0, name);
    await host.uninstall("acme.demo");
    await install(host, bytes());
    assert.equal(await host.call("acme.demo", "see", "one"), "BROKER_SECRET_MISSING");
  }));

test("any age tool opens the wrapping with the operator's key", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", SECRET);
    const decrypter = new Decrypter();
    decrypter.addIdentity((await readFile(join(dataDir, "operator.agekey"), "utf8")).trim());
    assert.equal((await decrypter.decrypt(await readFile(join(dataDir, "vault.age")))).length, 32);
  }));

for (const [what, sql] of [
  ["to another plugin", "UPDATE secrets SET plugin_id = 'acme.other' WHERE plugin_id = 'acme.demo' AND name = 'one'"],
  ["to another name", "UPDATE secrets SET name = 'two' WHERE name = 'one'"],
  ["back to another version", "UPDATE secrets SET version = version + 1"],
  ["by a bit", "UPDATE secrets SET sealed = zeroblob(length(sealed))"],
  ["to nothing", "UPDATE secrets SET sealed = x''"],
] as const) {
  test(`a sealed secret that somebody moved ${what} does not open`, () =>
    withHost(async (host, dataDir) => {
      await install(host, bytes());
      await install(host, bytes("acme.other"));
      await host.setSecret("acme.demo", "one", SECRET);
      await host.close();
      await changeDatabase(dataDir, sql);
      const again = await openAgain(dataDir);
      const seen: unknown[] = [];
      for (const id of ["acme.demo", "acme.other"])
        for (const name of ["one", "two"]) seen.push(await again.call(id, "see", name));
      assert.ok(seen.includes("HOST_VAULT_CLOSED"), JSON.stringify(seen));
      assert.ok(!seen.includes(SECRET));
      await again.close();
    }));
}

test("without the operator's key nothing opens, nothing is replaced, and with it everything is back", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", SECRET);
    await host.close();
    const key = join(dataDir, "operator.agekey");
    await rename(key, `${key}.away`);
    const without = await openAgain(dataDir);
    assert.equal(await without.call("acme.demo", "see", "one"), "HOST_VAULT_CLOSED");
    await assert.rejects(without.setSecret("acme.demo", "two", "x"), { code: "HOST_VAULT_CLOSED" });
    assert.equal((await readdir(dataDir)).includes("operator.agekey"), false);
    await writeFile(key, "AGE-SECRET-KEY-1NOT-ONE\n");
    assert.equal(await without.call("acme.demo", "see", "one"), "HOST_VAULT_CLOSED");
    await rm(key);
    await rename(`${key}.away`, key);
    assert.equal(await without.call("acme.demo", "see", "one"), SECRET);
    await without.close();
  }));

test("settings fit their schema, fall back to its defaults, and a change is seen at the next look", () =>
  withHost(async (host) => {
    const config = {
      type: "object",
      properties: { unit: { enum: ["km", "mi"], default: "km" }, key: { type: "string" } },
      additionalProperties: false,
    };
    await install(host, bytes("acme.demo", "1.0.0", config));
    const settings = (): Promise<unknown> => host.call("acme.demo", "settings", null);
    assert.deepEqual(await settings(), { unit: "km" });
    await host.setConfig("acme.demo", { unit: "mi", key: SECRET });
    assert.deepEqual(await settings(), { unit: "mi", key: SECRET });
    assert.deepEqual(await host.secrets("acme.demo"), []);
    for (const wrong of [{ unit: "yard" }, { other: 1 }, [], null, "km"])
      await assert.rejects(host.setConfig("acme.demo", wrong), { code: "HOST_SETTINGS_INVALID" });
    assert.equal(await host.call("acme.demo", "see", "$config"), "BROKER_DENIED");
    // A release whose schema refuses what was set starts from its defaults.
    const stricter = { ...config, properties: { unit: { enum: ["m"], default: "m" } } };
    await install(host, bytes("acme.demo", "1.1.0", stricter));
    assert.deepEqual(await settings(), { unit: "m" });
  }));
