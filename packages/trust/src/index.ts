export { decideTrust } from "./decide-trust.ts";
export type { TrustDecision, TrustedKey } from "./decide-trust.ts";
export { TrustError, trustErrors } from "./errors.ts";
export type { TrustErrorCode } from "./errors.ts";
export { deploymentKeyOf, generateDeploymentKey } from "./deployment-key.ts";
export type { DeploymentKey } from "./deployment-key.ts";
export {
  DEPLOYMENT_PAYLOAD_TYPE,
  MAX_DEPLOYMENT_DAYS,
  signDeployment,
  verifyDeployment,
} from "./deployment-statement.ts";
export type { DeploymentStatement } from "./deployment-statement.ts";
export { createDeploymentKeyFile, createKeyFile, readDeploymentKeyFile, readKeyFile } from "./node-key-file.ts";
export type { AskPassphrase } from "./node-secret-file.ts";
export { KEY_PAYLOAD_TYPE, signKeyStatement, verifyKeyStatement } from "./key-statement.ts";
export type { ExpectedKeyStatement, KeyStatement } from "./key-statement.ts";
export { generatePublisherKey } from "./private-key.ts";
export type { PrivateKey } from "./private-key.ts";
export { enrolPublicKey, formatFingerprint, formatPublicKey, keyIdOf, parsePublicKey } from "./public-key.ts";
export type { PublicKeyRecord } from "./public-key.ts";
export { RELEASE_PAYLOAD_TYPE, signRelease, unverifiedSignerKeys, verifyRelease } from "./release-statement.ts";
export type { ExpectedRelease, ReleaseFacts } from "./release-facts.ts";
export type { ReleaseStatement } from "./release-statement.ts";
