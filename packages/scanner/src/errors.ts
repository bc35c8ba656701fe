import { CodedError, type ErrorExtras, type ErrorTable } from "@berth/base";

/** The scanner's codes. What is wrong with the scanned code is never an error: it is a finding. */
export const scannerErrors = {
  SCAN_POLICY_INVALID: {
    kind: "input",
    meaning: "A scan policy does not have the expected form.",
    cause: "A rule or profile name is misspelt, or a value has the wrong type.",
    remedy: "Compare the policy with the table of rules in the scanner's guide.",
  },
  SCAN_PATH_UNREADABLE: {
    kind: "input",
    meaning: "A path that was to be scanned cannot be read.",
    cause: "The path does not exist, or this user may not read it.",
    remedy: "Check the path and its permissions.",
  },
  SCAN_TIMEOUT: {
    kind: "limit",
    meaning: "A scan did not finish in its time.",
    cause: "The package is very large, or a file was made to be slow to analyse.",
    remedy: "Scan it alone with a larger limit, or refuse the package.",
  },
} as const satisfies ErrorTable;

export class ScannerError extends CodedError<keyof typeof scannerErrors> {
  constructor(code: keyof typeof scannerErrors, message: string, extras?: ErrorExtras) {
    super(scannerErrors, code, message, extras);
  }
}
