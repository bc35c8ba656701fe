import { readFile } from "node:fs/promises";

import { parseManifest } from "@berth/spec";
import type { Verdict } from "@berth/spec";
import type { ScanPolicy } from "@berth/scanner";

import type { BlobStore } from "../blobs/blob-store.ts";
import { digestOf } from "../blobs/verify-blob.ts";
import { readKeys } from "../catalogue/publishers.ts";
import { writeCatalogue } from "../catalogue/write.ts";
import type { Database } from "../database/open-database.ts";
import { RegistryError } from "../errors.ts";
import { insertRelease } from "./insert-release.ts";
import type { PublishOutcome } from "./insert-release.ts";
import type { Inspection, ShownFile } from "./inspection.ts";
import type { Inspector } from "./inspector.ts";
import { verifyDependencies } from "./verify-dependencies.ts";

/** What publishing needs of the server. */
export interface PublishingServices {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly inspector: Inspector;
  readonly repository: string;
  readonly scanPolicy: ScanPolicy;
  readonly refusedVerdicts: readonly Verdict[];
  readonly checksDependencies: boolean;
  readonly now: () => Date;
}

export interface PublishRequest {
  readonly publisher: string;
  readonly name: string;
  readonly version: string;
  /** The uploaded file. */
  readonly path: string;
}

/**
 * Publishes a release: inspected first, then the files are kept, then one transaction makes it visible.
 * A crash before that transaction leaves nothing but a file that nobody names.
 *
 * @throws ArchiveError, SpecError, TrustError, RegistryError
 */
export async function publish(services: PublishingServices, request: PublishRequest): Promise<PublishOutcome> {
  const { db, blobs, inspector, repository, scanPolicy, now } = services;
  const { publisher, name, version, path } = request;
  const plugin = `${publisher}.${name}`;
  const keys = (await readKeys(db, publisher)).filter(({ retiredAt }) => retiredAt === undefined);
  const inspection = await inspector.inspect({
    path,
    plugin,
    version,
    repository,
    keys: keys.map(({ keyId, algorithm, publicKey }) => ({ keyId, algorithm, publicKey })),
    now: now().toISOString(),
    scanPolicy,
  });
  refuseVerdict(plugin, version, inspection, services.refusedVerdicts);
  // What is there already is answered as it was, whatever became of its dependencies.
  if (services.checksDependencies && !(await hasRelease(db, plugin, version)))
    await verifyDependencies(db, parseManifest(Buffer.from(inspection.manifest, "utf8")));
  const bytes = await readFile(path);
  // The file was inspected by path; what is kept must be what was inspected.
  if (digestOf(bytes) !== inspection.fileDigest)
    throw new RegistryError("REGISTRY_INSPECTION_FAILED", `the upload of ${plugin} changed while it was inspected`);
  await blobs.put(inspection.fileDigest, bytes);
  const readmeDigest = await keep(blobs, inspection.readme);
  const iconDigest = await keep(blobs, inspection.icon);
  const shown = { readme_digest: readmeDigest, icon_digest: iconDigest, icon_type: inspection.icon?.type ?? null };
  return writeCatalogue(db, now, (write) => insertRelease(write, { publisher, name, version, inspection, shown }));
}

async function hasRelease(db: Database, plugin: string, version: string): Promise<boolean> {
  const query = db.selectFrom("releases").select("version").where("plugin", "=", plugin).where("version", "=", version);
  return (await query.executeTakeFirst()) !== undefined;
}

function refuseVerdict(plugin: string, version: string, { scan }: Inspection, refused: readonly Verdict[]): void {
  if (!refused.includes(scan.verdict)) return;
  const findings = scan.findings.slice(0, 20).map(({ rule, severity, file, line, message }) => ({
    rule,
    severity,
    file,
    line,
    message,
  }));
  throw new RegistryError(
    "REGISTRY_SCAN_REFUSED",
    `the scanner's verdict of ${plugin} ${version} is "${scan.verdict}" (score ${scan.score}), which this registry refuses`,
    { details: { score: scan.score, verdict: scan.verdict, findings } },
  );
}

async function keep(blobs: BlobStore, file: ShownFile | undefined): Promise<string | null> {
  if (file === undefined) return null;
  const bytes = Buffer.from(file.base64, "base64");
  const digest = digestOf(bytes);
  await blobs.put(digest, bytes);
  return digest;
}
