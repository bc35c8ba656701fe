import assert from "node:assert/strict";
import test from "node:test";

import { formatEnvelope, parseEnvelope } from "@berth/spec";
import {
  deploymentKeyOf,
  generateDeploymentKey,
  generatePublisherKey,
  signDeployment,
  signRelease,
  verifyDeployment,
  verifyRelease,
} from "@berth/trust";
import type { DeploymentKey, ExpectedRelease } from "@berth/trust";

const key = generateDeploymentKey("market.example");
const contentDigest = `sha256:${"ab".repeat(32)}`;
const facts = {
  plugin: "acme.demo",
  version: "1.0.0",
  contentDigest,
  time: "2026-01-01T00:00:00.000Z",
  expires: "2026-02-01T00:00:00.000Z",
};
const expected: ExpectedRelease = { plugin: "acme.demo", version: "1.0.0", contentDigest, now: new Date("2026-01-02") };
const verify = (envelope: Uint8Array, change: Partial<ExpectedRelease> = {}, with_: DeploymentKey = key) =>
  verifyDeployment({ envelope, expected: { ...expected, ...change }, key: with_ });

test("a holder of the secret vouches for a release until it expires", () => {
  const envelope = signDeployment(facts, key);
  assert.equal(verify(envelope).repository, "market.example");
  assert.equal(verify(envelope, { now: new Date("2026-01-31T23:59:59.999Z") }).plugin, "acme.demo");
  assert.throws(() => verify(envelope, { now: new Date("2026-02-01") }), { code: "TRUST_STATEMENT_EXPIRED" });
  assert.throws(() => verify(envelope, { now: new Date("2025-12-31T23:49:00Z") }), {
    code: "TRUST_STATEMENT_FROM_FUTURE",
  });
});

test("a statement is worth nothing for another plugin, version, content, repository or secret", () => {
  const envelope = signDeployment(facts, key);
  assert.throws(() => verify(envelope, { plugin: "acme.other" }), { code: "TRUST_PLUGIN_WRONG" });
  assert.throws(() => verify(envelope, { version: "1.0.1" }), { code: "TRUST_VERSION_WRONG" });
  assert.throws(() => verify(envelope, { contentDigest: `sha256:${"0".repeat(64)}` }), { code: "TRUST_DIGEST_WRONG" });
  const elsewhere = deploymentKeyOf("other.example", key.secret);
  assert.notEqual(elsewhere.keyId, key.keyId);
  assert.throws(() => verify(envelope, {}, elsewhere), { code: "TRUST_KEY_UNKNOWN" });
  assert.throws(() => verify(envelope, {}, generateDeploymentKey("market.example")), { code: "TRUST_KEY_UNKNOWN" });
  // The right key id over a wrong secret: the id is a label, the secret decides.
  const forged = { ...generateDeploymentKey("market.example"), keyId: key.keyId };
  assert.throws(() => verify(signDeployment(facts, forged)), { code: "TRUST_SIGNATURE_WRONG" });
  // A secret that was moved to another repository under the old id.
  assert.throws(() => verify(signDeployment(facts, { ...elsewhere, keyId: key.keyId })), {
    code: "TRUST_SIGNATURE_WRONG",
  });
});

test("every changed byte of statement and signature is refused", () => {
  const { payloadType, payload, signatures } = parseEnvelope(signDeployment(facts, key));
  const [signature] = signatures;
  assert.ok(signature);
  const flip = (bytes: Uint8Array, at: number): Uint8Array => {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    return changed;
  };
  for (let at = 0; at < payload.length; at += 1)
    assert.throws(() => verify(formatEnvelope({ payloadType, payload: flip(payload, at), signatures })), {
      code: "TRUST_SIGNATURE_WRONG",
    });
  for (let at = 0; at < signature.signature.length; at += 1) {
    const changed = { keyId: signature.keyId, signature: flip(signature.signature, at) };
    assert.throws(() => verify(formatEnvelope({ payloadType, payload, signatures: [changed] })), {
      code: "TRUST_SIGNATURE_WRONG",
    });
  }
  const short = { keyId: signature.keyId, signature: signature.signature.subarray(0, 16) };
  assert.throws(() => verify(formatEnvelope({ payloadType, payload, signatures: [short] })), {
    code: "TRUST_SIGNATURE_WRONG",
  });
});

test("a public key's statement and a secret's are never taken for each other", () => {
  const publisher = generatePublisherKey();
  const { expires: _expires, ...release } = facts;
  assert.throws(() => verify(signRelease(release, publisher)), { code: "TRUST_PURPOSE_WRONG" });
  assert.throws(() => verifyRelease({ envelope: signDeployment(facts, key), expected, keys: [publisher] }), {
    code: "TRUST_PURPOSE_WRONG",
  });
});

test("a window that is empty, endless or no time at all cannot be signed", () => {
  for (const expires of ["2026-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z", "2028-01-01T00:00:00.000Z"])
    assert.throws(() => signDeployment({ ...facts, expires }, key), { code: "TRUST_WINDOW_INVALID" });
  assert.throws(() => signDeployment({ ...facts, expires: "tomorrow" }, key), { code: "TRUST_ENVELOPE_INVALID" });
});

test("a secret of another length and a repository without a name are refused", () => {
  assert.throws(() => deploymentKeyOf("market.example", new Uint8Array(31)), { code: "TRUST_KEY_INVALID" });
  for (const name of ["", " x", "a b", "a\nb", "x".repeat(201)])
    assert.throws(() => deploymentKeyOf(name, key.secret), { code: "TRUST_KEY_INVALID" }, JSON.stringify(name));
});
