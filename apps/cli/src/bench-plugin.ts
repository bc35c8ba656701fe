import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readPackage, replaceEnvelopes } from "@berth/archive";
import { CodedError } from "@berth/base";
import { RELEASE_ENVELOPE, openHost } from "@berth/host";
import type { Host } from "@berth/host";
import type { Manifest, SecurityLevel } from "@berth/spec";
import { generatePublisherKey, signRelease } from "@berth/trust";

import { descendantBytes } from "./descendant-memory.ts";
import { engines } from "./engines.ts";

/** A package to measure, its signature of no interest. */
export interface MeasuredPackage {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
}

/** An action and what it is called with: JSON as bytes. */
export interface MeasuredAction {
  readonly action: string;
  readonly input: Uint8Array;
}

/** What one action did at one level. Times in milliseconds. */
export interface ActionFigures {
  readonly level: SecurityLevel;
  readonly action: string;
  readonly calls: number;
  /** From a host without any process for plugins to the first answer. */
  readonly coldMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of the processes that run plugins, after the calls; null where the system does not tell. */
  readonly residentBytes: number | null;
  /** JSON of the last answer. */
  readonly output: string;
  /** The first answer and the last were not the same. */
  readonly varies: boolean;
}

/** Why an action, or every action, could not be measured at a level. */
export interface Failure {
  readonly level: SecurityLevel;
  readonly action?: string;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Measures each action in a new host of its own at one level; the hosts' data is gone afterwards. */
export async function benchAtLevel(
  measured: MeasuredPackage,
  actions: readonly MeasuredAction[],
  level: SecurityLevel,
  calls: number,
): Promise<(ActionFigures | Failure)[]> {
  const results: (ActionFigures | Failure)[] = [];
  for (const each of actions) {
    const dataDir = await mkdtemp(join(tmpdir(), "berth-bench-"));
    try {
      const host = await openHost<string>({
        dataDir,
        engines: engines(),
        policy: { level },
        partitionOf: (user) => user,
      });
      try {
        await installIn(host, measured);
        results.push(await measureAction(host, measured.manifest.id, each, level, calls));
      } finally {
        await host.close();
      }
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const { code, message, hint } = error;
      results.push({ level, action: each.action, code, message, ...(hint !== undefined && { hint }) });
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  return results;
}

/** The package under a key that exists for this measurement, without any permission. */
async function installIn(host: Host<string>, { manifest, bytes }: MeasuredPackage): Promise<void> {
  const key = generatePublisherKey();
  const { contentDigest } = readPackage(bytes);
  const facts = { plugin: manifest.id, version: manifest.version, contentDigest, time: new Date().toISOString() };
  const signed = replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, signRelease(facts, key)]]));
  await host.install(await host.plan(signed), { grant: [], trustKey: key.keyId });
}

async function measureAction(
  host: Host<string>,
  id: string,
  { action, input }: MeasuredAction,
  level: SecurityLevel,
  calls: number,
): Promise<ActionFigures> {
  const times: number[] = [];
  let first: string | undefined;
  let output = "";
  // The first call is the cold one; the others are counted.
  for (let call = 0; call <= calls; call += 1) {
    const startedAt = performance.now();
    const answer = await host.callBytes(id, action, input, { caller: "bench" });
    times.push(performance.now() - startedAt);
    output = new TextDecoder().decode(answer);
    first ??= output;
  }
  const [coldMs = 0, ...warm] = times;
  const sorted = warm.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    level,
    action,
    calls,
    coldMs: rounded(coldMs),
    medianMs: rounded(at(0.5)),
    p99Ms: rounded(at(0.99)),
    residentBytes: descendantBytes() ?? null,
    output,
    varies: first !== output,
  };
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;
