// Installing from a local registry into a running host: resolve, download, verify, scan, load once, one transaction.
// Now and then, as people do, when a spare process stands ready, and one after the other, when each starts its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { nodePowers, parseRegistryUrl, RegistryApi, RegistryClient } from "@berth/client";
import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { makeRelease } from "@berth/testkit";
import { formatPublicKey, generatePublisherKey } from "@berth/trust";

import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const ROUNDS = 15;
const WARM_UP = 3;
/** Until the next spare is ready: it is begun a second after the last one was taken. */
const REST_MS = 2_000;
const FILLER = Array.from(
  { length: 300 },
  (_, index) => `function part${index}(x) { return x * ${index} + ${index}; }`,
);
/** About 15 KB, like a small plugin with its libraries. */
const CODE = `${FILLER.join("\n")}\nvar berthPlugin = { actions: { echo: (value) => part7(value) } };`;

const key = generatePublisherKey();

/** `bench.top` needs all others; they need each other in two layers. */
function graphOfTen(): ReturnType<typeof makeRelease>[] {
  const leaves = ["one", "two", "three", "four"].map((name) => `bench.leaf-${name}`);
  const middles = ["one", "two", "three", "four", "five"].map((name) => `bench.middle-${name}`);
  const needing = (ids: readonly string[]) => ({ dependencies: Object.fromEntries(ids.map((id) => [id, "^1"])) });
  return [
    ...leaves.map((id) => makeRelease({ id, key, code: CODE })),
    ...middles.map((id) => makeRelease({ id, key, code: CODE, manifest: needing(leaves) })),
    makeRelease({ id: "bench.top", key, code: CODE, manifest: needing(middles) }),
    makeRelease({ id: "bench.alone", key, code: CODE }),
  ];
}

/** A registry in a process of its own, as in life: its work is not the host's. */
async function startRegistry(
  dataDir: string,
): Promise<{ url: string; operatorToken: string; stop: () => Promise<void> }> {
  const berth = join(import.meta.dirname, "../../tools/setup/run-cli.mjs");
  const args = ["--disable-warning=ExperimentalWarning", berth, "registry", "start", "--port", "0", "--json"];
  const env = { ...process.env, BERTH_REGISTRY_LOG_LEVEL: "error", BERTH_REGISTRY_READS_PER_MINUTE: "1000000" };
  const child = spawn(process.execPath, [...args, "--data-dir", dataDir], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const { url, operatorToken } = JSON.parse(line) as { url: string; operatorToken: string };
  return {
    url,
    operatorToken,
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function publishAll(url: string, operatorToken: string): Promise<void> {
  const powers = nodePowers();
  const client = new RegistryClient({ url: parseRegistryUrl(url), powers });
  const operator = new RegistryApi(client, operatorToken);
  const { token } = await operator.createPublisher({ name: "bench", publicKey: formatPublicKey(key) });
  const publisher = new RegistryApi(client, token.token);
  for (const { id, index, bytes } of graphOfTen()) await publisher.publish(id, index.version, bytes);
  powers[Symbol.dispose]();
}

/** Times of installs of `id`, each into a host without plugins, with rest before each, ms. */
async function measureInstalls(host: Host, id: string, restMs: number): Promise<{ wall: number[]; cpu: number[] }> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    await sleep(restMs);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const plan = await host.planGraph({ plugins: { [id]: "^1" } });
    await host.installGraph(plan, { grants: {}, trustKeys: [key.keyId], confirmedScans: [] });
    const elapsedMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuBefore);
    await host.uninstallAll(plan.members.map(({ manifest }) => manifest.id));
    if (round < WARM_UP) continue;
    wall.push(elapsedMs);
    cpu.push((user + system) / 1_000);
  }
  const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
  return { wall: ascending(wall), cpu: ascending(cpu) };
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-install-"));
  const registry = await startRegistry(join(folder, "registry"));
  const host = await openHost({ dataDir: join(folder, "host"), engines: [isolate()] });
  try {
    await publishAll(registry.url, registry.operatorToken);
    await host.registries.add({ name: "bench", url: registry.url });
    const rows: Row[] = [];
    for (const [name, id, restMs] of [
      ["1 plugin", "bench.alone", REST_MS],
      ["graph of 10", "bench.top", REST_MS],
      ["1 plugin, in a row", "bench.alone", 0],
      ["graph of 10, in a row", "bench.top", 0],
    ] as const) {
      const { wall, cpu } = await measureInstalls(host, id, restMs);
      rows.push({
        case: name,
        subject: "berth",
        median: percentile(wall, 0.5),
        p99: percentile(wall, 0.99),
        unit: "ms",
        cpu: percentile(cpu, 0.5),
      });
    }
    const goal = (id: string, index: number, ms: number): Ratio => {
      const value = rows[index]?.median ?? Number.NaN;
      return { id, value, goal: ms, holds: value <= ms };
    };
    return { rows, ratios: [goal("install.1", 0, 60), goal("install.10", 1, 300)] };
  } finally {
    await host.close();
    await registry.stop();
    await rm(folder, { recursive: true });
  }
}
