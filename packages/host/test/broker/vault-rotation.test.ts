// Secrets are bound to where their plugin came from, and their key can be exchanged.
import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { Store } from "@berth/store";
import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import { Decrypter, generateIdentity } from "age-encryption";

import { VaultKeyFiles } from "../../src/broker/node-vault-key.ts";
import { Vault } from "../../src/broker/vault.ts";
import { migrations } from "../../src/migrations.ts";
import { install, key, makePackage, withHost } from "../fixture.ts";
import { KillMoments, runAndKill } from "../kill-moments.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async see(name, ctx) { try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; } },
  settings: (value, ctx) => ctx.config.get(),
} };`;
const NAMES = ["one", "two"];
const MANIFEST = {
  permissions: [{ name: "secrets_access", names: NAMES, reveal: true, reason: "to test" }],
  secrets: NAMES,
  config: { type: "object", properties: { unit: { type: "string" } } },
  contributes: { actions: { see: any, settings: any } },
};
const bytes = (version = "1.0.0"): Uint8Array => makePackage({ version, code: CODE, manifest: MANIFEST });
const see = (host: Host<string>, name = "one"): Promise<unknown> => host.call("acme.demo", "see", name);
const openAgain = (dataDir: string, options: object = {}): Promise<Host<string>> =>
  openHost<string>({ dataDir, engines: [isolate()], ...options });

async function withDatabase(dataDir: string, work: (database: DatabaseSync) => void | Promise<void>): Promise<void> {
  using database = new DatabaseSync(join(dataDir, "host.sqlite"));
  await work(database);
}

/** The data key, as any tool of age gets it with the operator's key. */
async function dataKeyOf(dataDir: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity((await readFile(join(dataDir, "operator.agekey"), "utf8")).trim());
  return decrypter.decrypt(await readFile(join(dataDir, "vault.age")));
}

test("what was sealed before trust domains were bound opens, and is bound from then on", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "new value");
    await host.close();
    // As it was written then: without a domain, by a host that noted no key.
    const dataKey = await dataKeyOf(dataDir);
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", dataKey, nonce, { authTagLength: 16 });
    cipher.setAAD(Buffer.from(JSON.stringify(["berth-secret-1", "acme.demo", "one", 7])));
    const sealed = Buffer.concat([cipher.update("old value"), cipher.final(), cipher.getAuthTag()]);
    const rowOf = (database: DatabaseSync): unknown => database.prepare("SELECT domain, nonce FROM secrets").get();
    await withDatabase(dataDir, (database) => {
      database.prepare("UPDATE secrets SET version = 7, nonce = ?, sealed = ?, domain = NULL").run(nonce, sealed);
      database.exec("DELETE FROM vault");
    });
    await using again = await openAgain(dataDir, { policy: { repository: "main" } });
    assert.equal(await see(again), "old value");
    assert.equal(await see(again), "old value");
    await again.close();
    await withDatabase(dataDir, (database) => {
      const { domain, nonce: after } = rowOf(database) as { domain: unknown; nonce: Uint8Array };
      assert.equal(domain, "repository main");
      assert.notDeepEqual(Buffer.from(after), nonce);
    });
  }));

test("a secret that was filled in for a plugin of one registry opens for no plugin of another", () =>
  withHost(async (host, dataDir) => {
    const release = (version: string) => makeRelease({ id: "acme.demo", version, key, code: CODE, manifest: MANIFEST });
    const files = new RegistryFiles().publish(release("1.0.0"));
    const registry = await serveFiles(files.files);
    try {
      await host.registries.add({ name: "tests", url: registry.url });
      const plan = await host.planGraph({ plugins: { "acme.demo": "*" } });
      const grants = Object.fromEntries(
        plan.members.map(({ manifest, permissions }) => [manifest.id, permissions.map((each) => each.permission)]),
      );
      await host.installGraph(plan, { grants, trustKeys: [key.keyId], confirmedScans: ["acme.demo"] });
    } finally {
      await registry.close();
    }
    await host.setSecret("acme.demo", "one", "for this registry");
    await host.setConfig("acme.demo", { unit: "km" });
    assert.equal(await see(host), "for this registry");
    await host.close();
    const move = (sql: string): Promise<void> => withDatabase(dataDir, (database) => database.exec(sql));
    // Each starts from what the first registry's plugin was given.
    await copyFile(join(dataDir, "host.sqlite"), join(dataDir, "first.sqlite"));
    for (const sql of [
      "UPDATE plugins SET registry = 'https://other.example/'",
      "UPDATE plugins SET registry = NULL",
      // Nor when the row says that it was for the other one.
      "UPDATE plugins SET registry = 'https://other.example/'; UPDATE secrets SET domain = 'registry https://other.example/'",
      "UPDATE secrets SET domain = ''",
      "UPDATE secrets SET domain = NULL",
    ]) {
      await copyFile(join(dataDir, "first.sqlite"), join(dataDir, "host.sqlite"));
      await move(sql);
      await using other = await openAgain(dataDir);
      assert.equal(await see(other), "HOST_VAULT_CLOSED", sql);
      await assert.rejects(other.config("acme.demo"), { code: "HOST_VAULT_CLOSED" });
      // Filled in anew, it is this one's.
      await other.setSecret("acme.demo", "two", "for the other");
      assert.equal(await see(other, "two"), "for the other", sql);
      await other.setConfig("acme.demo", { unit: "mi" });
      assert.deepEqual(await other.config("acme.demo"), { unit: "mi" }, sql);
    }
  }));

test("what was filled in for nobody in particular becomes the first trust domain's", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "kept");
    await host.close();
    for (const [repository, seen] of [
      ["main", "kept"],
      ["main", "kept"],
      ["other", "HOST_VAULT_CLOSED"],
      [undefined, "HOST_VAULT_CLOSED"],
      ["main", "kept"],
    ] as const) {
      await using again = await openAgain(dataDir, { policy: repository === undefined ? {} : { repository } });
      assert.equal(await see(again), seen, repository);
    }
  }));

test("a rotation seals everything anew, with a new key, and leaves nothing that the old one opens", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "first");
    await host.setSecret("acme.demo", "two", "second");
    await host.setConfig("acme.demo", { unit: "km" });
    const before = await dataKeyOf(dataDir);
    const sealedOf = async (): Promise<Buffer[]> => {
      const found: Buffer[] = [];
      await withDatabase(dataDir, (database) => {
        for (const row of database.prepare("SELECT sealed FROM secrets").all())
          found.push(Buffer.from(row["sealed"] as Uint8Array));
      });
      return found;
    };
    await host.close();
    const sealedBefore = await sealedOf();
    await using again = await openAgain(dataDir);
    // Readers meanwhile get what they ask for.
    const readers = Array.from({ length: 20 }, () => see(again));
    assert.deepEqual(await again.rotateSecrets(), { resealed: 3, hasNewOperatorKey: false, isOldGone: true });
    assert.deepEqual(
      await Promise.all(readers),
      Array.from({ length: 20 }, () => "first"),
    );
    assert.deepEqual([await see(again), await see(again, "two")], ["first", "second"]);
    await again.rotateSecrets();
    await again.setSecret("acme.demo", "two", "third");
    assert.equal(
      (await again.journal()).filter(({ kind, subject }) => kind === "secret" && subject === "rotate").length,
      2,
    );
    await again.close();
    assert.notDeepEqual(Buffer.from(await dataKeyOf(dataDir)), Buffer.from(before));
    assert.deepEqual(
      (await readdir(dataDir)).filter((name) => name.endsWith(".next")),
      [],
    );
    for (const name of (await readdir(dataDir)).filter((each) => each.startsWith("host.sqlite"))) {
      const content = await readFile(join(dataDir, name));
      for (const sealed of sealedBefore) assert.equal(content.includes(sealed), false, name);
    }
    await using last = await openAgain(dataDir);
    assert.deepEqual([await see(last), await see(last, "two")], ["first", "third"]);
    assert.deepEqual(await last.config("acme.demo"), { unit: "km" });
  }));

test("a rotation to another operator's key: the old one opens nothing any more", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "first");
    for (const wrong of ["", "# nothing\n", "AGE-SECRET-KEY-1NOT-ONE", "age1recipient"])
      await assert.rejects(host.rotateSecrets({ operatorKey: wrong }), { code: "HOST_OPERATOR_KEY_INVALID" });
    assert.equal(await see(host), "first");
    const old = await readFile(join(dataDir, "operator.agekey"), "utf8");
    const identity = await generateIdentity();
    const { hasNewOperatorKey } = await host.rotateSecrets({ operatorKey: `# made by age-keygen\n${identity}\n` });
    assert.equal(hasNewOperatorKey, true);
    assert.equal(await see(host), "first");
    await host.close();
    assert.equal(await readFile(join(dataDir, "operator.agekey"), "utf8"), `${identity}\n`);
    await using again = await openAgain(dataDir);
    assert.equal(await see(again), "first");
    await again.close();
    await writeFile(join(dataDir, "operator.agekey"), old);
    await using without = await openAgain(dataDir);
    assert.equal(await see(without), "HOST_VAULT_CLOSED");
  }));

test("a value that does not open stops a rotation, which then changed nothing", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "first");
    await host.setSecret("acme.demo", "two", "second");
    await host.close();
    await withDatabase(dataDir, (database) =>
      database.exec("UPDATE secrets SET sealed = zeroblob(length(sealed)) WHERE name = 'two'"),
    );
    await using again = await openAgain(dataDir);
    await assert.rejects(again.rotateSecrets({ operatorKey: await generateIdentity() }), { code: "HOST_VAULT_CLOSED" });
    assert.equal(await see(again), "first");
    await again.removeSecret("acme.demo", "two");
    assert.equal((await again.rotateSecrets()).resealed, 1);
    assert.equal(await see(again), "first");
  }));

test("a rotation that cannot clear the old key away has happened, and says what is left", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-vault-"));
  const store = await Store.open({ file: join(dataDir, "host.sqlite"), migrations });
  try {
    await store.all("PRAGMA foreign_keys = OFF"); // Only what the vault does with its rows is looked at.
    let isBroken = false;
    class Keys extends VaultKeyFiles {
      override async open(keyId: string | undefined, isUsed: boolean): Promise<Uint8Array> {
        // The new key's file is there and cannot take the old one's place.
        if (isBroken && existsSync(join(dataDir, "vault.age.next"))) throw new Error("EIO");
        return super.open(keyId, isUsed);
      }
    }
    const vaultOf = (): Vault =>
      new Vault({ store, now: () => new Date(), keys: new Keys(dataDir), domainOf: () => "" });
    const vault = vaultOf();
    await vault.set("acme.demo", "one", "first");
    const wrapped = await readFile(join(dataDir, "vault.age"));
    isBroken = true;
    assert.deepEqual(await vault.rotate(undefined), { resealed: 1, hasNewOperatorKey: false, isOldGone: false });
    assert.equal(await vault.reveal("acme.demo", "one"), "first");
    assert.deepEqual(await readFile(join(dataDir, "vault.age")), wrapped);
    isBroken = false;
    // Whoever opens it next finishes it.
    const next = vaultOf();
    assert.equal(await next.reveal("acme.demo", "one"), "first");
    assert.equal(existsSync(join(dataDir, "vault.age.next")), false);
    assert.notDeepEqual(await readFile(join(dataDir, "vault.age")), wrapped);
    assert.equal((await next.rotate(undefined)).isOldGone, true);
  } finally {
    await store.close();
    await rm(dataDir, { recursive: true });
  }
});

const ROUNDS = Number(process.env["BERTH_KILL_ROUNDS"] ?? "6");

test(`${ROUNDS} rotations killed at random moments have happened or have not`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-rotate-"));
  const dataDir = join(folder, "data");
  const operatorFile = join(folder, "next.agekey");
  const rotateAndKill = (dir: string, file: string, afterMs: number): Promise<number> =>
    runAndKill(join(import.meta.dirname, "rotate-once.ts"), [dir, file], afterMs);
  try {
    await using first = await openAgain(dataDir);
    await install(first, bytes());
    for (const name of NAMES) await first.setSecret("acme.demo", name, `the value of ${name}`);
    await first.close();
    const wholeMs = await rotateAndKill(dataDir, "", 60_000);
    const moments = new KillMoments(ROUNDS, wholeMs);
    let before = await dataKeyOf(dataDir);
    for (let round = 0, afterMs = moments.next(); afterMs !== undefined; round += 1, afterMs = moments.next()) {
      const identity = await generateIdentity();
      await writeFile(operatorFile, identity);
      const present = await readFile(join(dataDir, "operator.agekey"), "utf8");
      await rotateAndKill(dataDir, round % 2 === 0 ? operatorFile : "", afterMs);
      await using host = await openAgain(dataDir);
      for (const name of NAMES) assert.equal(await see(host, name), `the value of ${name}`, `round ${round}`);
      await host.close();
      assert.deepEqual(
        (await readdir(dataDir)).filter((name) => name.endsWith(".next")),
        [],
        `round ${round}`,
      );
      const after = await dataKeyOf(dataDir);
      const hasHappened = !Buffer.from(after).equals(Buffer.from(before));
      if (round % 2 === 0) {
        const operator = await readFile(join(dataDir, "operator.agekey"), "utf8");
        assert.equal(operator.trim(), hasHappened ? identity : present.trim(), `round ${round}`);
      }
      moments.note(hasHappened);
      before = after;
    }
    assert.ok(moments.sawBoth, "some rotations came through and some did not");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("whichever of the files a kill left between two renames, the right ones are taken", () =>
  withHost(async (host, dataDir) => {
    await install(host, bytes());
    await host.setSecret("acme.demo", "one", "first");
    const file = (name: string): string => join(dataDir, name);
    const keep = async (as: string): Promise<void> => {
      for (const name of ["vault.age", "operator.agekey"]) await copyFile(file(name), file(`${name}.${as}`));
    };
    await keep("old");
    await host.rotateSecrets({ operatorKey: await generateIdentity() });
    await keep("new");
    await host.close();
    for (const [wrapped, operator] of [
      ["old", "old"],
      ["new", "old"],
      ["old", "new"],
    ] as const) {
      await copyFile(file(`vault.age.${wrapped}`), file("vault.age"));
      await copyFile(file(`operator.agekey.${operator}`), file("operator.agekey"));
      if (wrapped === "old") await copyFile(file("vault.age.new"), file("vault.age.next"));
      if (operator === "old") await copyFile(file("operator.agekey.new"), file("operator.agekey.next"));
      await using again = await openAgain(dataDir);
      assert.equal(await see(again), "first", `${wrapped} ${operator}`);
      await again.close();
      for (const name of ["vault.age", "operator.agekey"])
        assert.deepEqual(
          await readFile(file(name)),
          await readFile(file(`${name}.new`)),
          `${wrapped} ${operator} ${name}`,
        );
    }
  }));
