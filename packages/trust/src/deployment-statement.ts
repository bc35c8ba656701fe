import { canonicalJson, quote, utf8 } from "@berth/base";
import { formatEnvelope, parseEnvelope, preAuthEncoding } from "@berth/spec";

import { purposeKey } from "./deployment-key.ts";
import type { DeploymentKey } from "./deployment-key.ts";
import { TrustError } from "./errors.ts";
import { hmacSha256, isSameSecret } from "./node-hmac.ts";
import { verifyFacts } from "./release-facts.ts";
import type { ExpectedRelease, ReleaseFacts } from "./release-facts.ts";
import { instantOf, readStatement } from "./signed-statement.ts";

/** The type of a deployment's statement about a release. */
export const DEPLOYMENT_PAYLOAD_TYPE = "application/vnd.berth.deployment+json;v=1";

/** What the holders of a deployment's secret say: this content is that release, until then. */
export interface DeploymentStatement extends ReleaseFacts {
  readonly purpose: "deployment";
  readonly repository: string;
  /** ISO instant from which on the statement is refused. */
  readonly expires: string;
}

/** The longest that a statement may hold: the secret is shared, so what it said must fade. */
export const MAX_DEPLOYMENT_DAYS = 400;

const PURPOSE = "deployment";
const DAY_MS = 86_400_000;
const MEMBERS = ["contentDigest", "expires", "plugin", "purpose", "repository", "time", "version"];

/**
 * Vouches for a release with a deployment's secret (HMAC-SHA256); gives the envelope's bytes.
 *
 * @throws TrustError TRUST_WINDOW_INVALID
 */
export function signDeployment(
  facts: Omit<ReleaseFacts, "repository"> & { readonly expires: string },
  key: DeploymentKey,
): Uint8Array {
  const { plugin, version, contentDigest, time, expires } = facts;
  verifyWindow(time, expires);
  const { repository, keyId } = key;
  const statement = { purpose: PURPOSE, repository, plugin, version, contentDigest, time, expires };
  const payload = utf8(canonicalJson(statement));
  const signature = hmacSha256(purposeKey(key, PURPOSE), preAuthEncoding(DEPLOYMENT_PAYLOAD_TYPE, payload));
  return formatEnvelope({ payloadType: DEPLOYMENT_PAYLOAD_TYPE, payload, signatures: [{ keyId, signature }] });
}

/**
 * Verifies that a holder of the secret vouched for exactly this release, in this repository, and that the
 * statement has not expired. Whether the name has a public key, which rules this out, is the caller's to ask.
 *
 * @throws SpecError SPEC_ENVELOPE_INVALID; TrustError, one code for each way a statement can be wrong
 */
export function verifyDeployment({
  envelope: bytes,
  expected,
  key,
}: {
  readonly envelope: Uint8Array;
  readonly expected: ExpectedRelease;
  readonly key: DeploymentKey;
}): DeploymentStatement {
  const { payloadType, payload, signatures } = parseEnvelope(bytes);
  if (payloadType !== DEPLOYMENT_PAYLOAD_TYPE) {
    throw new TrustError(
      "TRUST_PURPOSE_WRONG",
      `expected a statement of type ${DEPLOYMENT_PAYLOAD_TYPE}, found ${quote(payloadType)}`,
    );
  }
  const signature = signatures.find(({ keyId }) => keyId === key.keyId)?.signature;
  if (signature === undefined) {
    throw new TrustError(
      "TRUST_KEY_UNKNOWN",
      `expected a statement made with ${key.keyId}, found ${signatures.map(({ keyId }) => keyId).join(", ")}`,
    );
  }
  const right = hmacSha256(purposeKey(key, PURPOSE), preAuthEncoding(payloadType, payload));
  if (!isSameSecret(signature, right)) {
    throw new TrustError("TRUST_SIGNATURE_WRONG", `the statement was not made with the secret of ${key.keyId}`);
  }
  const {
    plugin = "",
    version = "",
    contentDigest = "",
    time = "",
    expires = "",
    repository = "",
  } = readStatement(payload, { what: PURPOSE, purpose: PURPOSE, members: MEMBERS });
  const statement: DeploymentStatement = {
    purpose: PURPOSE,
    plugin,
    version,
    contentDigest,
    time,
    expires,
    repository,
  };
  verifyFacts(statement, { ...expected, repository: key.repository }, PURPOSE);
  verifyWindow(time, expires);
  if (expected.now.getTime() >= instantOf(PURPOSE, expires)) {
    throw new TrustError(
      "TRUST_STATEMENT_EXPIRED",
      `the statement held until ${expires}, it is ${expected.now.toISOString()} now`,
    );
  }
  return statement;
}

function verifyWindow(time: string, expires: string): void {
  const days = (instantOf(PURPOSE, expires) - instantOf(PURPOSE, time)) / DAY_MS;
  if (days <= 0 || days > MAX_DEPLOYMENT_DAYS) {
    throw new TrustError(
      "TRUST_WINDOW_INVALID",
      `the statement holds from ${time} to ${expires}; expected more than nothing and at most ${MAX_DEPLOYMENT_DAYS} days`,
    );
  }
}
