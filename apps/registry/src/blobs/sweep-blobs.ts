import type { Database } from "../database/open-database.ts";
import type { BlobStore } from "./blob-store.ts";

const DAY_MS = 86_400_000;

/**
 * Removes files that no release names: what a crash left between keeping a file and naming it. Where
 * other servers share the database, a young file may be one that they are about to name.
 */
export async function sweepBlobs(
  db: Database,
  blobs: BlobStore,
  { isAlone, now }: { isAlone: boolean; now: Date },
): Promise<void> {
  const rows = await db.selectFrom("releases").select(["file_digest", "readme_digest", "icon_digest"]).execute();
  const named = new Set(rows.flatMap((row) => [row.file_digest, row.readme_digest, row.icon_digest]));
  const youngest = now.getTime() - (isAlone ? 0 : DAY_MS);
  for await (const { digest, modifiedAt } of blobs.list()) {
    if (!named.has(digest) && modifiedAt.getTime() <= youngest) await blobs.remove(digest);
  }
}
