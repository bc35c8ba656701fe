import type { InputFile, ScanPolicy } from "@berth/scanner";
import type { ScanResult } from "@berth/spec";

export interface ScanRequest {
  readonly id: number;
  /** The release, for reports. */
  readonly what: string;
  readonly files: readonly InputFile[];
  readonly policy: ScanPolicy;
}

export type ScanAction = "allow" | "ask" | "refuse";

export interface ScanReply {
  readonly id: number;
  readonly result?: ScanResult;
  /** What the policy does with the verdict. */
  readonly action?: ScanAction;
  readonly fault?: string;
}
