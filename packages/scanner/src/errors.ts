import { CodedError, type ErrorExtras, type ErrorTable } from "@berth/base";

/** The scanner's codes. What is wrong with the scanned code is never an error: it is a finding. */
export const scannerErrors = {
  SCAN_POLICY_INVALID: {
    kind: "input",
    meaning: "A scan policy does not have the expected form.",
    cause: "A rule or profile name is misspelt, or a value has the wrong type.",
    remedy: "Compare the policy with the table of rules in the scanner's guide.",
  },
  SCAN_POOL_CLOSED: {
    kind: "internal",
    meaning: "A scan was asked of a pool of threads that was disposed of.",
    cause: "The program uses a pool after its end.",
    remedy: "Dispose of the pool after the last scan.",
  },
} as const satisfies ErrorTable;

export class ScannerError extends CodedError<keyof typeof scannerErrors> {
  constructor(code: keyof typeof scannerErrors, message: string, extras?: ErrorExtras) {
    super(scannerErrors, code, message, extras);
  }
}
