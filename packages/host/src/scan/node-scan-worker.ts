// The thread where packages are scanned. It may be ended at any moment by its owner.
import { parentPort } from "node:worker_threads";

import { sanitize } from "@berth/base";
import { actionFor, scanPackage } from "@berth/scanner";

import type { ScanReply, ScanRequest } from "./messages.ts";

function answer({ id, what, files, policy }: ScanRequest): ScanReply {
  try {
    const result = scanPackage(what, files, { policy });
    return { id, result, action: actionFor(result.verdict, policy) };
  } catch (error) {
    return { id, fault: sanitize(error instanceof Error ? error.message : "unknown") };
  }
}

parentPort?.on("message", (request: ScanRequest) => parentPort?.postMessage(answer(request)));
