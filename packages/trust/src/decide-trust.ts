import type { PublicKeyRecord } from "./public-key.ts";

/** A key that a host trusts for one publisher. */
export interface TrustedKey extends PublicKeyRecord {
  readonly publisher: string;
  /** ISO instant. */
  readonly addedAt: string;
  /** `told`: an operator named it; `first-use`: it came with the publisher's first package. */
  readonly how: "told" | "first-use";
}

/** Whether a key may vouch for a publisher's package. */
export type TrustDecision =
  | { readonly status: "trusted"; readonly key: PublicKeyRecord }
  /** Nobody is trusted for this publisher yet: a person may pin the key. */
  | { readonly status: "first-use"; readonly key: PublicKeyRecord }
  /** Other keys are trusted for this publisher, or nobody signed. */
  | { readonly status: "wrong-key"; readonly known: readonly string[]; readonly found: readonly string[] };

/** Decides by the publisher's own keys only: a key trusted for somebody else vouches for nothing here. */
export function decideTrust({
  publisher,
  trusted,
  signers,
}: {
  readonly publisher: string;
  readonly trusted: readonly TrustedKey[];
  readonly signers: readonly PublicKeyRecord[];
}): TrustDecision {
  const own = trusted.filter((key) => key.publisher === publisher);
  const key = own.find(({ keyId }) => signers.some((signer) => signer.keyId === keyId));
  if (key !== undefined) return { status: "trusted", key };
  const [first] = signers;
  if (own.length === 0 && first !== undefined) return { status: "first-use", key: first };
  return { status: "wrong-key", known: own.map(({ keyId }) => keyId), found: signers.map(({ keyId }) => keyId) };
}
