import { reportOf } from "@berth/base";

import type { EventSink } from "../host-event.ts";
import type { PackageFolder } from "./node-package-folder.ts";

/** What is left of a file is no reason to fail: the change is done, and the next start cleans up. */
export async function discardPackage(
  fileDigest: string,
  { packages, events }: { readonly packages: PackageFolder; readonly events: EventSink },
): Promise<void> {
  try {
    await packages.remove(fileDigest);
  } catch (error) {
    events.emit({ kind: "fault", what: "cleanup", error: reportOf(error) });
  }
}
