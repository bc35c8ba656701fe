import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFile, chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { formatBase64 } from "@berth/base";
import { formatEnvelope, parseEnvelope, preAuthEncoding } from "@berth/spec";
import {
  createKeyFile,
  decideTrust,
  enrolPublicKey,
  formatPublicKey,
  generatePublisherKey,
  parsePublicKey,
  readKeyFile,
  signRelease,
  unverifiedSignerKeys,
  verifyRelease,
} from "@berth/trust";
import type { ExpectedRelease } from "@berth/trust";

const key = generatePublisherKey();
const other = generatePublisherKey();
const contentDigest = `sha256:${"ab".repeat(32)}`;
const facts = { plugin: "acme.demo", version: "1.0.0", contentDigest, time: "2026-01-01T00:00:00.000Z" };
const expected: ExpectedRelease = { plugin: "acme.demo", version: "1.0.0", contentDigest, now: new Date("2026-01-02") };
const verify = (envelope: Uint8Array, change: Partial<ExpectedRelease> = {}, keys = [key]) =>
  verifyRelease({ envelope, expected: { ...expected, ...change }, keys });

test("accepts what the publisher signed, however old", () => {
  assert.equal(verify(signRelease(facts, key), { now: new Date("2036-01-01") }).keyId, key.keyId);
  assert.equal(
    verify(signRelease({ ...facts, repository: "market" }, key), { repository: "market" }).statement.repository,
    "market",
  );
});

for (const [what, change, code] of [
  ["another plugin", { plugin: "acme.other" }, "TRUST_PLUGIN_WRONG"],
  ["another version", { version: "1.0.1" }, "TRUST_VERSION_WRONG"],
  ["another content", { contentDigest: `sha256:${"00".repeat(32)}` }, "TRUST_DIGEST_WRONG"],
  ["a time more than ten minutes ahead", { now: new Date("2025-12-31T23:49:00Z") }, "TRUST_STATEMENT_FROM_FUTURE"],
] as const) {
  test(`refuses a statement for ${what}`, () =>
    assert.throws(() => verify(signRelease(facts, key), change), { code, kind: "denied" }));
}

test("refuses a statement bound to another repository, also when the verifier has none", () => {
  const envelope = signRelease({ ...facts, repository: "market" }, key);
  assert.throws(() => verify(envelope), { code: "TRUST_REPOSITORY_WRONG" });
  assert.throws(() => verify(envelope, { repository: "other" }), { code: "TRUST_REPOSITORY_WRONG" });
});

test("refuses a signature by a key that was not asked for", () => {
  assert.throws(() => verify(signRelease(facts, other)), { code: "TRUST_KEY_UNKNOWN" });
});

test("refuses a genuine envelope whose signature is credited to another key", () => {
  const envelope = parseEnvelope(signRelease(facts, other));
  const forged = formatEnvelope({
    ...envelope,
    signatures: [{ keyId: key.keyId, signature: envelope.signatures[0]?.signature ?? new Uint8Array() }],
  });
  assert.throws(() => verify(forged), { code: "TRUST_SIGNATURE_WRONG" });
});

test("refuses every changed byte of payload and signature", () => {
  const envelope = parseEnvelope(signRelease(facts, key));
  const [{ signature } = { signature: new Uint8Array() }] = envelope.signatures;
  for (const [field, bytes] of [
    ["payload", envelope.payload],
    ["signature", signature],
  ] as const) {
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] as number) ^ 0x20;
      const forged =
        field === "payload"
          ? { ...envelope, payload: changed }
          : { ...envelope, signatures: [{ keyId: key.keyId, signature: changed }] };
      assert.throws(() => verify(formatEnvelope(forged)), { code: "TRUST_SIGNATURE_WRONG" });
    }
  }
});

test("refuses another type of payload before believing anything", () => {
  const envelope = parseEnvelope(signRelease(facts, key));
  assert.throws(
    () => verify(formatEnvelope({ ...envelope, payloadType: "application/vnd.berth.revocation+json;v=1" })),
    { code: "TRUST_PURPOSE_WRONG" },
  );
});

test("the payload's type is part of what is signed", () => {
  assert.equal(
    new TextDecoder().decode(preAuthEncoding("http://example.com/HelloWorld", new TextEncoder().encode("hello world"))),
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
});

for (const [what, json] of [
  ["no JSON", "{"],
  [
    "an unknown member",
    JSON.stringify({ payload: "", payloadType: "t", signatures: [{ keyid: key.keyId, sig: "" }], x: 1 }),
  ],
  ["no signature", JSON.stringify({ payload: "", payloadType: "t", signatures: [] })],
  [
    "base64 that is not canonical",
    JSON.stringify({ payload: "YR==", payloadType: "t", signatures: [{ keyid: key.keyId, sig: "" }] }),
  ],
  [
    "one key twice",
    JSON.stringify({
      payload: "",
      payloadType: "t",
      signatures: [
        { keyid: key.keyId, sig: "" },
        { keyid: key.keyId, sig: "" },
      ],
    }),
  ],
  [
    "nine signatures",
    JSON.stringify({
      payload: "",
      payloadType: "t",
      signatures: Array.from({ length: 9 }, (_, at) => ({ keyid: `sha256:${String(at).padStart(64, "0")}`, sig: "" })),
    }),
  ],
  [
    "a member named twice",
    `{"payload":"","payload":"","payloadType":"t","signatures":[{"keyid":"${key.keyId}","sig":""}]}`,
  ],
] as const) {
  test(`refuses an envelope with ${what}`, () =>
    assert.throws(() => verify(new TextEncoder().encode(json)), { code: "SPEC_ENVELOPE_INVALID" }));
}

test("an unknown publisher's key can be shown; a known publisher's other key is refused", () => {
  const signers = unverifiedSignerKeys(signRelease(facts, key));
  const trusted = (publisher: string, record: typeof key) => [
    { ...parsePublicKey(formatPublicKey(record)), publisher, addedAt: "", how: "told" as const },
  ];
  assert.equal(decideTrust({ publisher: "acme", trusted: [], signers }).status, "first-use");
  assert.equal(decideTrust({ publisher: "acme", trusted: trusted("acme", key), signers }).status, "trusted");
  assert.equal(decideTrust({ publisher: "acme", trusted: trusted("acme", other), signers }).status, "wrong-key");
  assert.equal(decideTrust({ publisher: "acme", trusted: trusted("evil", key), signers }).status, "first-use");
  assert.equal(decideTrust({ publisher: "acme", trusted: [], signers: [] }).status, "wrong-key");
});

test(
  "a private key is its owner's alone, and never overwritten",
  { skip: process.platform === "win32" && "Windows has no mode bits" },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "berth-key-"));
    try {
      const file = join(folder, "publisher.key");
      const made = await createKeyFile(file);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.equal((await readKeyFile(file)).keyId, made.keyId);
      const before = await readFile(file, "utf8");
      await assert.rejects(createKeyFile(file), { code: "TRUST_KEY_FILE_EXISTS" });
      assert.equal(await readFile(file, "utf8"), before);
      await chmod(file, 0o640);
      await assert.rejects(readKeyFile(file), { code: "TRUST_KEY_FILE_OPEN" });
      await chmod(file, 0o600);
      await symlink(file, join(folder, "link.key"));
      await assert.rejects(readKeyFile(join(folder, "link.key")), { code: "TRUST_KEY_FILE_INVALID" });
      await assert.rejects(createKeyFile(join(folder, "link.key")), { code: "TRUST_KEY_FILE_EXISTS" });
      await mkdir(join(folder, "folder.key"), { mode: 0o700 });
      await assert.rejects(readKeyFile(join(folder, "folder.key")), { code: "TRUST_KEY_FILE_INVALID" });
      spawnSync("mkfifo", ["-m", "600", join(folder, "fifo.key")]);
      await assert.rejects(readKeyFile(join(folder, "fifo.key")), { code: "TRUST_KEY_FILE_INVALID" });
      await appendFile(file, "and more\n");
      await assert.rejects(readKeyFile(file), { code: "TRUST_KEY_FILE_INVALID" });
      await assert.rejects(readKeyFile(join(folder, "none.key")), { code: "TRUST_KEY_FILE_UNUSABLE" });
      await assert.rejects(createKeyFile(join(folder, "none", "a.key")), { code: "TRUST_KEY_FILE_UNUSABLE" });
      assert.deepEqual((await readdir(folder)).toSorted(), ["fifo.key", "folder.key", "link.key", "publisher.key"]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test("keys of small order and keys that are not canonical are not enrolled", () => {
  const smallOrder = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    `ec${"ff".repeat(30)}7f`,
    `${"00".repeat(31)}80`,
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  ];
  const notCanonical = [`ed${"ff".repeat(30)}7f`, `ee${"ff".repeat(30)}7f`, "ff".repeat(32)];
  for (const hex of [...smallOrder, ...notCanonical])
    assert.throws(() => enrolPublicKey(Buffer.from(hex, "hex")), { code: "TRUST_KEY_WEAK" }, hex);
  assert.throws(() => parsePublicKey(`berth-ed25519 ${formatBase64(new Uint8Array(32))}`), { code: "TRUST_KEY_WEAK" });
  for (const line of ["", "ssh-ed25519 AAAA", "berth-ed25519 AAAA", `berth-ed25519 ${"A".repeat(2_000)}`])
    assert.throws(() => parsePublicKey(line), { code: "TRUST_KEY_INVALID" });
});

const vectors = join(import.meta.dirname, "../../../../shared/conformance/trust/cctv-ed25519/ed25519vectors.json");
test(
  "no weak key of the shared vectors is enrolled, and every sound one is",
  { skip: existsSync(vectors) ? false : "the shared vectors are not beside this clone" },
  () => {
    const cases = JSON.parse(readFileSync(vectors, "utf8")) as { key: string; flags: string[] | null }[];
    const isEnrolled = (hex: string): boolean => {
      try {
        enrolPublicKey(Buffer.from(hex, "hex"));
        return true;
      } catch {
        return false;
      }
    };
    const wrong = cases.filter(
      ({ key: hex, flags }) =>
        isEnrolled(hex) === ((flags ?? []).includes("low_order_A") || (flags ?? []).includes("non_canonical_A")),
    );
    assert.ok(cases.length > 900);
    assert.deepEqual(wrong.slice(0, 5), []);
  },
);
