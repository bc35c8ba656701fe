// The process that opens packages. The parser of the scanner is native code: what ends this process, or
// keeps it busy for too long, costs one upload and not the server.
import { readFile } from "node:fs/promises";

import { isCodedError, reportOf } from "@berth/base";

import { inspectPackage } from "./inspect-package.ts";
import type { InspectionReply, InspectionRequest } from "./inspection.ts";

const reply = (message: InspectionReply): void => void process.send?.(message);

process.on("message", (request: InspectionRequest) => {
  void inspect(request);
});
// The parent is gone, however it ended.
process.on("disconnect", () => process.exit(0));
// A signal to the whole group of processes is the parent's to handle; it lets uploads under way end first.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

async function inspect(request: InspectionRequest): Promise<void> {
  const { number } = request;
  try {
    reply({ number, inspection: inspectPackage(await readFile(request.path), request) });
  } catch (error) {
    const kind = isCodedError(error) ? error.kind : "internal";
    reply({ number, refusal: { ...reportOf(error), kind } });
  }
}
