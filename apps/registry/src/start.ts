import { mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { parseScanPolicy } from "@berth/scanner/policy";
import type { ScanPolicy } from "@berth/scanner/policy";
import type { RegistryInfo } from "@berth/spec";
import { pino } from "pino";

import { openBlobs } from "./blobs/open-blobs.ts";
import { cachedBlobs } from "./blobs/cached-blobs.ts";
import { sweepBlobs } from "./blobs/sweep-blobs.ts";
import { createToken, hasOperator } from "./catalogue/access.ts";
import { lastSequence } from "./catalogue/change-feed.ts";
import { DownloadCounter } from "./catalogue/downloads.ts";
import { parseConfig } from "./config.ts";
import type { RegistryConfig } from "./config.ts";
import { openDatabase } from "./database/open-database.ts";
import type { Database } from "./database/open-database.ts";
import { RegistryError } from "./errors.ts";
import { DocumentCache } from "./feed/document-cache.ts";
import { Follower } from "./feed/follower.ts";
import { StaticSite } from "./feed/static-site.ts";
import { Inspector } from "./publish/inspector.ts";
import { SearchIndex } from "./search/search-index.ts";
import { makeServer } from "./server.ts";

/** A running registry. Whoever started it closes it. */
export interface RunningRegistry {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  /** An operator's token, on the first start and whenever one was asked for. It is shown this once. */
  readonly operatorToken?: string;
  /** Takes no new requests, lets those under way end within `stopMs`, and closes everything. */
  close(): Promise<void>;
}

const OPERATOR_TOKEN_DAYS = 365;

/**
 * Starts a registry on what the data directory holds, repairing what a crash left half-done.
 *
 * @throws RegistryError REGISTRY_CONFIG_INVALID, REGISTRY_DATABASE_FAILED; StoreError STORE_BUSY and others
 */
export async function startRegistry(settings: RegistryConfig): Promise<RunningRegistry> {
  const config = parseConfig(settings);
  const now = (): Date => new Date();
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: false }));
  const scanPolicy = await readScanPolicy(config.scanPolicyFile);
  await using started = new AsyncDisposableStack();
  const folder = (name: string): string => join(config.dataDir, name);
  await mkdir(folder("uploads"), { recursive: true });

  const db = await openDatabase(config.database, config.dataDir);
  started.defer(() => db.destroy());
  // With the database's lock held there is no other server whose uploads these could be.
  const oldestUploadMs = config.database === "sqlite" ? 0 : config.uploadTotalMs + config.inspectionMs;
  await removeAbandoned(folder("uploads"), now().getTime() - oldestUploadMs);
  const blobs = await openBlobs(config);
  try {
    await sweepBlobs(db, blobs, { isAlone: config.database === "sqlite", now: now() });
  } catch (error) {
    // Only space is lost; whether files can be read and kept shows when that is asked for.
    log.warn({ err: error }, "the blob store could not be swept");
  }

  const info: RegistryInfo = {
    kind: "berth-registry",
    format: 1,
    repository: config.repository,
    openRegistration: config.openRegistration,
    signedMetadata: false,
  };
  const documents = new DocumentCache(db, config.cacheBytes, await lastSequence(db));
  const site = await StaticSite.open({ folder: folder("public"), db, blobs, info });
  const search = await SearchIndex.open({ file: folder("search.sqlite"), db });
  started.defer(() => search.close());
  const follower = new Follower(db, [documents, search, site], log);
  await follower.start(config.pollMs);
  started.defer(() => follower.stop());

  const inspector = new Inspector(config.inspectionMs);
  inspector.warm();
  started.defer(() => inspector.dispose());
  const downloads = new DownloadCounter(db, now);
  const flush = async (): Promise<void> => {
    const plugins = await downloads.flush();
    if (plugins.length === 0) return;
    documents.forget(plugins);
    await search.update(plugins);
  };
  const flushing = setInterval(() => {
    flush().catch((error: unknown) => log.error({ err: error }, "downloads could not be counted"));
  }, config.countDownloadsMs).unref();
  started.defer(async () => {
    clearInterval(flushing);
    await downloads.flush();
  });

  const server = await makeServer({
    config,
    info,
    log,
    db,
    blobs,
    files: cachedBlobs(blobs, config.cacheBytes),
    documents,
    downloads,
    follower,
    search,
    inspector,
    repository: config.repository,
    scanPolicy,
    refusedVerdicts: config.refuse,
    checksDependencies: config.checkDependencies,
    now,
    uploadFolder: folder("uploads"),
  });
  const url = await server.listen({ host: config.host, port: config.port });
  started.defer(() => closeWithin(server, config.stopMs));
  const operatorToken = await makeOperatorToken(db, config.newOperatorToken, now());
  log.info({ url }, "registry started");
  const owned = started.move();
  let closing: Promise<void> | undefined;
  return {
    url: config.publicUrl?.replace(/\/$/, "") ?? url,
    ...(operatorToken !== undefined && { operatorToken }),
    close: () => (closing ??= owned.disposeAsync()),
  };
}

/** Removes uploads of processes that ended. */
async function removeAbandoned(folder: string, writtenBeforeMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { mtimeMs } = await stat(path);
    if (mtimeMs <= writtenBeforeMs) await rm(path, { force: true });
  }
}

async function readScanPolicy(file: string | undefined): Promise<ScanPolicy> {
  if (file === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new RegistryError("REGISTRY_CONFIG_INVALID", "the file of the scanner's policy cannot be read as JSON", {
      cause: error,
    });
  }
  return parseScanPolicy(value);
}

async function makeOperatorToken(db: Database, isWanted: boolean, now: Date): Promise<string | undefined> {
  if (!isWanted && (await hasOperator(db, now))) return undefined;
  const { token } = await createToken(
    db,
    { scopes: ["operate"], expiresInDays: OPERATOR_TOKEN_DAYS, label: "operator" },
    now,
  );
  return token;
}

/** Requests under way may end; what is left after `stopMs` is cut. */
async function closeWithin(server: Awaited<ReturnType<typeof makeServer>>, stopMs: number): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), stopMs);
  try {
    await server.close();
  } finally {
    clearTimeout(cut);
  }
}
