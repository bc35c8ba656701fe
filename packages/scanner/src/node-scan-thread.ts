// A thread that scans one file at a time. Its owner may end it at any moment.
import { parentPort } from "node:worker_threads";

import type { ScanLimits } from "./limits.ts";
import { type FileScan, type InputFile, scanOne } from "./scan-file.ts";

export interface ScanRequest {
  readonly input: InputFile;
  readonly limits: Partial<ScanLimits>;
}

parentPort?.on("message", ({ input, limits }: ScanRequest) => {
  const scan: FileScan = scanOne(input, { limits });
  parentPort?.postMessage(scan);
});
