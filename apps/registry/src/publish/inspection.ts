import type { ScanPolicy } from "@berth/scanner";
import type { ErrorKind } from "@berth/base";
import type { Finding, Verdict } from "@berth/spec";
import type { PublicKeyRecord } from "@berth/trust";

/** What a package must be, as far as is known before it is opened. */
export interface InspectionRequest {
  /** Numbers the requests to one process. */
  readonly number: number;
  /** The uploaded file. */
  readonly path: string;
  readonly plugin: string;
  readonly version: string;
  /** The registry's trust domain. */
  readonly repository: string;
  /** Active keys of the publisher. */
  readonly keys: readonly PublicKeyRecord[];
  /** ISO instant. */
  readonly now: string;
  readonly scanPolicy: ScanPolicy;
}

/** A small file taken out of a package to be shown beside it. */
export interface ShownFile {
  readonly base64: string;
  readonly type: string;
}

/** What was found in a package that is what it should be. */
export interface Inspection {
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly fileSize: number;
  readonly keyId: string;
  /** The text of `manifest.json`. */
  readonly manifest: string;
  readonly readme?: ShownFile;
  readonly icon?: ShownFile;
  readonly scan: { readonly score: number; readonly verdict: Verdict; readonly findings: readonly Finding[] };
}

/** A refusal as it crosses from the inspecting process. */
export interface InspectionRefusal {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface InspectionReply {
  readonly number: number;
  readonly inspection?: Inspection;
  readonly refusal?: InspectionRefusal;
}
