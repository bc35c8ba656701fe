import type { RegistryInfo } from "@berth/spec";
import type { Logger } from "pino";

import type { BlobStore } from "./blobs/blob-store.ts";
import type { DownloadCounter } from "./catalogue/downloads.ts";
import type { FullConfig } from "./config.ts";
import type { DocumentCache } from "./feed/document-cache.ts";
import type { Follower } from "./feed/follower.ts";
import type { PublishingServices } from "./publish/publish.ts";
import type { SearchIndex } from "./search/search-index.ts";

/** Everything that the routes use; made once at the start. */
export interface Services extends PublishingServices {
  readonly config: FullConfig;
  readonly info: RegistryInfo;
  readonly log: Logger;
  readonly documents: DocumentCache;
  /** Files for readers, verified. */
  readonly files: Pick<BlobStore, "read">;
  readonly downloads: DownloadCounter;
  readonly follower: Follower;
  readonly search: SearchIndex;
  /** Folder for uploads under way. */
  readonly uploadFolder: string;
}
