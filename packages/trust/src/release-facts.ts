import { verifySame, verifyTime } from "./signed-statement.ts";

/** What every statement about a release says. */
export interface ReleaseFacts {
  readonly plugin: string;
  readonly version: string;
  readonly contentDigest: string;
  /** ISO instant, recorded. */
  readonly time: string;
  /** The trust domain that the statement is bound to, when it is. */
  readonly repository?: string;
}

/** What a verifier asked for; each field is compared with the statement's. */
export interface ExpectedRelease {
  readonly plugin: string;
  readonly version: string;
  readonly contentDigest: string;
  /** The verifier's own trust domain. */
  readonly repository?: string;
  readonly now: Date;
}

/**
 * The context lock: a signature made for one context is worth nothing in another.
 *
 * @throws TrustError, one code for each way a statement can be about something else
 */
export function verifyFacts(statement: ReleaseFacts, expected: ExpectedRelease, what: string): void {
  verifySame("TRUST_PLUGIN_WRONG", "plugin", statement.plugin, expected.plugin);
  verifySame("TRUST_VERSION_WRONG", "version", statement.version, expected.version);
  verifySame("TRUST_DIGEST_WRONG", "content", statement.contentDigest, expected.contentDigest);
  if (statement.repository !== undefined)
    verifySame("TRUST_REPOSITORY_WRONG", "repository", statement.repository, expected.repository);
  verifyTime(what, statement.time, expected.now);
}
