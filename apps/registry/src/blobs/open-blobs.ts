import { join } from "node:path";

import type { FullConfig } from "../config.ts";
import type { BlobStore } from "./blob-store.ts";
import { openFolderBlobs } from "./folder-blobs.ts";
import { s3Blobs } from "./s3-blobs.ts";

/** The blob store that the settings name. */
export async function openBlobs(config: FullConfig): Promise<BlobStore & { pathOf?(digest: string): string }> {
  const { blobs, dataDir, s3AccessKeyId, s3SecretAccessKey, s3Region } = config;
  if (blobs === "folder" || s3AccessKeyId === undefined || s3SecretAccessKey === undefined)
    return openFolderBlobs(join(dataDir, "blobs"));
  return s3Blobs({
    endpoint: blobs,
    region: s3Region,
    accessKeyId: s3AccessKeyId,
    secretAccessKey: s3SecretAccessKey,
  });
}
