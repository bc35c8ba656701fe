import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

import { createDeploymentKeyFile, createKeyFile, readDeploymentKeyFile, readKeyFile } from "@berth/trust";

const folder = await mkdtemp(join(tmpdir(), "berth-keys-"));
after(() => rm(folder, { recursive: true }));

const typed = (passphrase: string) => (): Promise<string> => Promise.resolve(passphrase);

test("an encrypted key opens with its passphrase and with no other", async () => {
  const path = join(folder, "publisher.key");
  const key = await createKeyFile(path, "correct horse");
  const text = await readFile(path, "utf8");
  assert.match(text, /^-----BEGIN AGE ENCRYPTED FILE-----/);
  assert.ok(!text.includes(Buffer.from(key.seed).toString("base64")));
  assert.deepEqual(await readKeyFile(path, typed("correct horse")), key);
  await assert.rejects(readKeyFile(path, typed("wrong horse")), { code: "TRUST_PASSPHRASE_WRONG" });
  await assert.rejects(readKeyFile(path), { code: "TRUST_PASSPHRASE_NEEDED" });
  if (process.platform !== "win32") assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test("an encrypted key that was damaged or cut does not open", async () => {
  const path = join(folder, "damaged.key");
  await createKeyFile(path, "p");
  const text = await readFile(path, "utf8");
  const at = text.length - 60;
  const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
  for (const damaged of [changed, text.slice(0, 200)]) {
    await writeFile(path, damaged);
    await assert.rejects(readKeyFile(path, typed("p")), { name: "TrustError" });
  }
});

test("nobody is asked for the passphrase of a key that has none", async () => {
  const path = join(folder, "plain.key");
  const key = await createKeyFile(path);
  const asked = (): Promise<string> => Promise.reject(new Error("asked for nothing"));
  assert.deepEqual(await readKeyFile(path, asked), key);
});

test("a deployment's secret and a publisher's key are not taken for each other", async () => {
  const secret = join(folder, "deployment.key");
  const key = await createDeploymentKeyFile(secret, "market.example", "p");
  assert.deepEqual(await readDeploymentKeyFile(secret, typed("p")), key);
  await assert.rejects(readKeyFile(secret, typed("p")), { code: "TRUST_KEY_FILE_INVALID" });
  const publisher = join(folder, "other.key");
  await createKeyFile(publisher);
  await assert.rejects(readDeploymentKeyFile(publisher), { code: "TRUST_KEY_FILE_INVALID" });
  await assert.rejects(createDeploymentKeyFile(publisher, "market.example"), { code: "TRUST_KEY_FILE_EXISTS" });
});
