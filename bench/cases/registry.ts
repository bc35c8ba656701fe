import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { packPackage, replaceEnvelopes } from "@berth/archive";
import { formatPublicKey, generatePublisherKey, signRelease } from "@berth/trust";

import { cpuMsOf, load, rssMbOf, startBerth } from "../registry/server-process.ts";
import type { Load, ServerProcess } from "../registry/server-process.ts";
import { startVerdaccio } from "../registry/verdaccio.ts";
import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const PACKAGES = 1_000;
const MANY_VERSIONS = 500;
const ROUNDS = 5;
const BERTH_REQUESTS = 10_000;
/** A request costs the peer many times as much; fewer of them give the same accuracy. */
const PEER_REQUESTS = 1_500;

/** A server under test, with how to publish to it and where it has what. */
interface Subject {
  readonly name: string;
  readonly server: ServerProcess;
  readonly requests: number;
  publish(name: string, version: string): Promise<number>;
  /** Path of a package's metadata. */
  metadata(name: string): string;
}

async function berthSubject(folder: string): Promise<Subject> {
  const server = await startBerth(folder);
  const key = generatePublisherKey();
  const made = await fetch(`${server.url}/api/v1/publishers`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.operatorToken}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", publicKey: formatPublicKey(key) }),
  });
  const { token } = ((await made.json()) as { token: { token: string } }).token;
  return {
    name: "berth",
    server,
    requests: BERTH_REQUESTS,
    metadata: (name) => `index/plugins/bench/${name}.json`,
    async publish(name, version) {
      const body = signedPackage(`bench.${name}`, version, key);
      const startedAt = performance.now();
      const response = await fetch(`${server.url}/api/v1/packages/bench/${name}/${version}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.berth.package" },
        body,
      });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`${name} ${version}: ${response.status} ${text}`);
      return performance.now() - startedAt;
    },
  };
}

function signedPackage(plugin: string, version: string, key: ReturnType<typeof generatePublisherKey>) {
  const manifest = {
    id: plugin,
    version,
    displayName: plugin,
    description: `A package of the benchmark, ${plugin}.`,
    license: "MIT",
    categories: ["utilities"],
    tags: ["bench", "csv"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: { actions: { echo: { input: true, output: true } } },
  };
  const table =
    randomBytes(2_000)
      .toString("base64")
      .match(/.{1,100}/g) ?? [];
  const code = `var rows = ${JSON.stringify(table)};\nvar berthPlugin = { actions: { echo: (value) => [value, rows.length] } };`;
  const { bytes, contentDigest } = packPackage({
    files: [
      { path: "manifest.json", bytes: Buffer.from(JSON.stringify(manifest)) },
      { path: "plugin.js", bytes: Buffer.from(code) },
    ],
  });
  const statement = { plugin, version, contentDigest, time: new Date().toISOString() };
  return replaceEnvelopes(bytes, new Map([["META/release.dsse", signRelease(statement, key)]]));
}

async function verdaccioSubject(folder: string): Promise<Subject> {
  // Kept beside the results, so that the peer is fetched once.
  const peer = join(import.meta.dirname, "..", "results", "peers", "verdaccio");
  const server = await startVerdaccio(peer, folder);
  return { name: "verdaccio", server, requests: PEER_REQUESTS, metadata: (name) => name, publish: server.publish };
}

interface Published {
  readonly times: readonly number[];
  readonly cpuMs: number;
}

/** Publishes to all subjects in turns; gives what it cost each. */
async function publishInTurns(
  subjects: readonly Subject[],
  releases: readonly { name: string; version: string }[],
): Promise<Map<string, Published>> {
  const times = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  const before = subjects.map(({ server }) => cpuMsOf(server.pid));
  for (const { name, version } of releases)
    for (const subject of subjects) times.get(subject.name)?.push(await subject.publish(name, version));
  return new Map(
    subjects.map(({ name, server }, at) => {
      const cpuMs = (cpuMsOf(server.pid) - (before[at] ?? 0)) / releases.length;
      return [name, { times: (times.get(name) ?? []).toSorted((a, b) => a - b), cpuMs }];
    }),
  );
}

const rowOf = (name: string, subject: string, times: readonly number[], cpu: number): Row => ({
  case: name,
  subject,
  median: percentile(times, 0.5),
  p99: percentile(times, 0.99),
  unit: "ms",
  cpu,
});

/** The same in microseconds, as a read costs few of them. */
const microRowOf = (name: string, subject: string, times: readonly number[], cpuMs: number): Row => ({
  ...rowOf(
    name,
    subject,
    times.map((ms) => ms * 1_000),
    cpuMs * 1_000,
  ),
  unit: "µs",
});

/** Letters for digits, as names whose digits look like letters of others are refused. */
const nameOf = (number: number): string =>
  `plugin-${Array.from(String(number).padStart(4, "0"), (digit) => "acdeghkmpt"[Number(digit)]).join("")}`;

/** One kind of reading request, sent to both in turns, round after round. */
async function readInTurns(
  name: string,
  asked: readonly { subject: Subject; path: string; headers?: object; status?: number }[],
): Promise<{ rows: Row[]; cpu: Map<string, number> }> {
  const loads = asked.map((): Load[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, { subject, path, headers = {}, status = 200 }] of asked.entries())
      loads[at]?.push(await load(subject.server, path, { count: subject.requests / ROUNDS, headers, status }));
  }
  const rows = asked.map(({ subject }, at) => {
    const all = loads[at] ?? [];
    const times = all.flatMap((each) => each.times).toSorted((a, b) => a - b);
    return microRowOf(
      name,
      subject.name,
      times,
      percentile(
        all.map(({ cpuMs }) => cpuMs).toSorted((a, b) => a - b),
        0.5,
      ),
    );
  });
  return { rows, cpu: new Map(rows.map(({ subject, cpu }) => [subject, cpu])) };
}

async function etagOf({ server }: Subject, path: string): Promise<string> {
  const response = await fetch(`${server.url}/${path}`);
  await response.arrayBuffer();
  return response.headers.get("etag") ?? "";
}

/** Publishes the same catalogue to both, then reads it. CPU is the servers', their children included. */
async function compare(subjects: readonly [Subject, Subject]): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const [berth, verdaccio] = subjects;
  const first = Array.from({ length: PACKAGES }, (_, at) => ({ name: nameOf(at), version: "1.0.0" }));
  const published = await publishInTurns(subjects, first);
  const many = Array.from({ length: MANY_VERSIONS - 1 }, (_, at) => ({ name: nameOf(0), version: `1.0.${at + 1}` }));
  const publishedMany = await publishInTurns(subjects, [...many, { name: nameOf(1), version: "1.0.1" }]);
  const rows = [
    ...[...published].map(([name, { times, cpuMs }]) => rowOf(`publish ${PACKAGES} packages`, name, times, cpuMs)),
    ...[...publishedMany].map(([name, { times, cpuMs }]) =>
      rowOf(`publish ${MANY_VERSIONS} versions of one`, name, times, cpuMs),
    ),
  ];
  const read = async (name: string, asked: Parameters<typeof readInTurns>[1]): Promise<Map<string, number>> => {
    const { rows: more, cpu } = await readInTurns(name, asked);
    rows.push(...more);
    return cpu;
  };
  const both = (path: (subject: Subject) => string) => subjects.map((subject) => ({ subject, path: path(subject) }));
  const two = await read(
    "metadata, 2 versions",
    both(({ metadata }) => metadata(nameOf(1))),
  );
  const lots = await read(
    `metadata, ${MANY_VERSIONS} versions`,
    both(({ metadata }) => metadata(nameOf(0))),
  );
  const detail = async (number: number) =>
    read(`detail, ${number === 0 ? MANY_VERSIONS : 2} versions`, [
      { subject: berth, path: `api/v1/plugins/bench.${nameOf(number)}` },
    ]);
  const detailTwo = await detail(1);
  const detailLots = await detail(0);
  const conditional = await Promise.all(
    subjects.map(async (subject) => {
      const path = subject.metadata(nameOf(1));
      return { subject, path, headers: { "if-none-match": await etagOf(subject, path) }, status: 304 };
    }),
  );
  const unchanged = await read("metadata, unchanged", conditional);
  await read("package file", [
    { subject: berth, path: `packages/bench/${nameOf(1)}/bench.${nameOf(1)}-1.0.0.berth` },
    { subject: verdaccio, path: `${nameOf(1)}/-/${nameOf(1)}-1.0.0.tgz` },
  ]);
  for (const { name, server } of subjects)
    process.stderr.write(`${name}: ${rssMbOf(server.pid).toFixed(0)} MB resident\n`);
  const of = (cpu: Map<string, number>, { name }: Subject): number => cpu.get(name) ?? Number.NaN;
  const p99 = percentile(published.get("berth")?.times ?? [], 0.99);
  const ratio = (id: string, value: number, goal: number): Ratio => ({ id, value, goal, holds: value <= goal });
  return {
    rows,
    ratios: [
      ratio("metadata.cpu", of(two, berth) / of(two, verdaccio), 0.1),
      ratio("metadata.flat", of(detailLots, berth) / of(detailTwo, berth), 1.1),
      ratio("metadata.index.flat", of(lots, berth) / of(two, berth), 1.1),
      ratio("metadata.304", of(unchanged, berth) / of(two, berth), 1),
      ratio("publish", p99, 250),
    ],
  };
}

/** Both servers run on this machine, each with its data in a folder that is removed afterwards. */
export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = mkdtempSync(join(tmpdir(), "berth-bench-registry-"));
  mkdirSync(join(folder, "berth"));
  const berth = await berthSubject(join(folder, "berth"));
  try {
    const verdaccio = await verdaccioSubject(join(folder, "verdaccio"));
    try {
      return await compare([berth, verdaccio]);
    } finally {
      await verdaccio.server.stop();
    }
  } finally {
    await berth.server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
