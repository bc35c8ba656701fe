import type { LockedRelease, ResolvedRelease } from "@berth/resolver";
import { sanitize } from "@berth/base";
import type { ScanResult } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { Installer } from "../install/installer.ts";
import { openPackage } from "../install/plan.ts";
import type { OpenedPackage, Plan } from "../install/plan.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Policy } from "../policy.ts";
import type { ScanThread } from "../scan/node-scan-thread.ts";
import type { GraphMember, GraphRequest } from "./graph-plan.ts";
import type { FoundRelease } from "./graph-source.ts";
import { aboutMember } from "./member-error.ts";
import { inParallel } from "./member-pool.ts";
import type { SolvedGraph } from "./solve-graph.ts";
import { verifyIndex } from "./verify-index.ts";

const DOWNLOADS_AT_ONCE = 4;
/** All packages of a plan are in memory until they are installed. */
const MAX_TOTAL_BYTES = 256 * 1_048_576;
const MAX_MEMBERS = 1_000;

interface MemberContext {
  readonly request: GraphRequest;
  readonly packages: ReadonlyMap<string, OpenedPackage>;
  readonly installer: Installer;
  readonly scans: ScanThread;
  readonly policy: Policy;
  readonly plugins: PluginTable;
  readonly asked: Readonly<Record<string, string>>;
}

/** A release of the solution that is not installed yet. */
interface Wanted {
  readonly id: string;
  readonly version: string;
  /** Missing for a package at hand. */
  readonly found: FoundRelease | undefined;
}

/**
 * Downloads, verifies and scans what a solution needs beside what is installed, several at a time. The
 * first one that is refused ends the rest, and the error names it.
 *
 * @throws HostError HOST_GRAPH_TOO_LARGE, HOST_LOCK_DIFFERS, HOST_INDEX_DIFFERS, HOST_KEY_CHANGED,
 *   HOST_SCAN_REFUSED, HOST_SCAN_FAILED; ClientError; ArchiveError, SpecError, TrustError
 */
export async function planMembers(solved: SolvedGraph, context: MemberContext): Promise<GraphMember[]> {
  const wanted = await wantedOf(solved, context);
  const totalBytes = wanted.reduce((sum, { found }) => sum + (found?.release.fileSize ?? 0), 0);
  if (wanted.length > MAX_MEMBERS || totalBytes > MAX_TOTAL_BYTES) {
    throw new HostError(
      "HOST_GRAPH_TOO_LARGE",
      `${wanted.length} packages of ${totalBytes} bytes together; at most ${MAX_MEMBERS} of ${MAX_TOTAL_BYTES} bytes are installed at once`,
    );
  }
  const { request } = context;
  let doneBytes = 0;
  const onBytes = (count: number): void => {
    doneBytes += count;
    request.onProgress?.({ step: "downloading", doneBytes, totalBytes, packages: wanted.length });
  };
  const neededBy = needersOf(solved.releases);
  const members = await inParallel(wanted, DOWNLOADS_AT_ONCE, request.signal, async (each, signal) => {
    try {
      return await planMember(each, context, { signal, onBytes, neededBy: neededBy.get(each.id) ?? [] });
    } catch (error) {
      throw aboutMember(error, each.id, each.version, each.found?.registry.url);
    }
  });
  verifyOneKeyEach(members);
  return members;
}

async function wantedOf(solved: SolvedGraph, context: MemberContext): Promise<Wanted[]> {
  const { packages, plugins, request } = context;
  const releases = new Map(solved.releases.map((release) => [release.plugin, release]));
  const wanted: Wanted[] = [];
  for (const id of solved.order) {
    const release = releases.get(id) as ResolvedRelease | LockedRelease;
    const { version } = release;
    const found = packages.has(id) ? undefined : await solved.source.find(id, version);
    if (request.isFrozen === true) verifyLocked(release as LockedRelease, found);
    const installed = plugins.find(id)?.facts;
    // A frozen install holds the content fast, not only the number.
    const isSame = request.isFrozen !== true || installed?.contentDigest === found?.release.contentDigest;
    const stays = installed?.version === version && isSame;
    if (packages.has(id) || !stays) wanted.push({ id, version, found });
  }
  return wanted;
}

/** @throws HostError HOST_LOCK_DIFFERS */
function verifyLocked(
  { plugin, version, registry, contentSha256, fileSha256 }: LockedRelease,
  found: FoundRelease | undefined,
): void {
  const differs = (what: string, said: string | undefined, held: string): HostError =>
    new HostError(
      "HOST_LOCK_DIFFERS",
      `${plugin} ${version}: the lock holds the ${what} ${held}, found ${said ?? "none"}`,
    );
  if (found?.registry.url !== registry) throw differs("registry", found?.registry.url, registry);
  const { contentDigest, fileDigest } = found.release;
  if (contentDigest !== `sha256:${contentSha256}`) throw differs("content", contentDigest, `sha256:${contentSha256}`);
  if (fileDigest !== `sha256:${fileSha256}`) throw differs("file", fileDigest, `sha256:${fileSha256}`);
}

async function planMember(
  { id, version, found }: Wanted,
  { packages, installer, scans, policy, asked }: MemberContext,
  { signal, onBytes, neededBy }: { signal: AbortSignal; onBytes: (count: number) => void; neededBy: readonly string[] },
): Promise<GraphMember> {
  const opened =
    found === undefined
      ? (packages.get(id) as OpenedPackage)
      : openPackage(await found.registry.client.download(id, found.release, { signal, onBytes }));
  const registry = found && { repository: (await found.registry.client.info(signal)).repository };
  const plan = await installer.planOpened(opened, { expected: { id, version }, registry });
  if (found !== undefined) verifyIndex(plan, found.release);
  const files = Array.from(opened.files, ([path, { bytes }]) => ({ path, bytes }));
  const { scan, action } = await scans.scan(`${id} ${version}`, files, policy.scan);
  if (action === "refuse") throw scanRefused(plan, scan);
  return {
    ...plan,
    registry: found?.registry.url,
    askedRange: packages.has(id) ? "*" : Object.hasOwn(asked, id) ? asked[id] : undefined,
    neededBy,
    scan,
    needsConfirmation: action === "ask",
    deprecated: (found?.release.deprecated ?? found?.index.deprecated)?.message,
    yanked: found?.release.yanked?.reason,
  };
}

function scanRefused({ manifest: { id, version } }: Plan, { score, verdict, findings }: ScanResult): HostError {
  const worst = findings
    .slice(0, 3)
    .map(({ file, line, message, rule }) => `${sanitize(file)}:${line} ${sanitize(message)} (${rule})`);
  return new HostError(
    "HOST_SCAN_REFUSED",
    `${id} ${version} scores ${score} of 100, and the policy refuses the verdict ${verdict}: ${worst.join("; ")}`,
    { details: { score, verdict, findings: findings.slice(0, 50) } },
  );
}

/** Who needs each plugin, sorted. */
function needersOf(releases: readonly ResolvedRelease[]): Map<string, string[]> {
  const needers = new Map<string, string[]>();
  for (const { plugin, needs } of releases) {
    for (const need of needs) needers.set(need.plugin, [...(needers.get(need.plugin) ?? []), plugin]);
  }
  return needers;
}

/**
 * A publisher who is new here is confirmed by one key. A second key in the same plan would be pinned
 * unseen behind the first, and a deployment's secret would speak for a name that gets a key.
 */
function verifyOneKeyEach(members: readonly GraphMember[]): void {
  const keys = new Map<string, string>();
  for (const { manifest, signer } of members) {
    const known = keys.get(signer.publisher);
    if (known !== undefined && known !== signer.keyId && signer.status !== "trusted") {
      throw new HostError(
        "HOST_KEY_CHANGED",
        `${manifest.id} ${manifest.version} is signed by ${signer.fingerprint}; other packages of ${signer.publisher} in this install are signed by another key`,
      );
    }
    keys.set(signer.publisher, signer.keyId);
  }
}
