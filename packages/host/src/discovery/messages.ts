import type { ErrorReport } from "@berth/base";

import type { PackageOutline } from "../install/plan.ts";
import type { FolderContent, FolderPlace } from "./node-plugin-folder.ts";

/** What the thread is asked, one at a time. `name`: of an entry in the folder. */
export type ThreadRequest =
  | { readonly kind: "folder"; readonly path: string; readonly maxNames: number; readonly maxFound: number }
  | { readonly kind: "package"; readonly folder: FolderPlace; readonly name: string }
  /** `name` left out: the folder itself. */
  | { readonly kind: "development"; readonly folder: FolderPlace; readonly name: string | undefined };

/** What a folder's manifest says of the plugin. */
export interface DevelopmentOutline {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
}

/** What was found, or why not; a size also of what was then refused. */
export interface ThreadReply {
  readonly content?: FolderContent;
  readonly sizeBytes?: number;
  readonly package?: PackageOutline;
  readonly development?: DevelopmentOutline;
  readonly error?: ErrorReport;
}
