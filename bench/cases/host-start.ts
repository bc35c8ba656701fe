// Opening a host with many installed plugins, beside one with none, each time in a fresh process: on built packages, as
// users have them, and from the sources, where Node also holds its compiler for types.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

import { builtPackages } from "../built.ts";
import { installPlugin } from "../install-plugin.ts";
import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const ROUNDS = 7;
const PLUGINS = 1_000;
/** As many as an ordinary plugin has. */
const ACTIONS = ["find", "read", "write", "check", "list"];

/** One plugin is installed for real; the others are its rows under other names. Opening reads no package. */
async function fill(dataDir: string, count: number): Promise<void> {
  const host = await openHost({ dataDir, engines: [isolate()] });
  await installPlugin(host, {
    id: "bench.p0",
    level: "standard",
    code: `var berthPlugin = { actions: { find: (value) => value } };`,
    actions: ACTIONS,
  });
  await host.close();
  const database = new DatabaseSync(join(dataDir, "host.sqlite"));
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('plugins')")
    .all()
    .map((row) => String(row["name"]));
  const replaced: Readonly<Record<string, string>> = {
    id: "?1",
    manifest: "replace(manifest, '\"bench.p0\"', '\"' || ?1 || '\"')",
    content_digest: "'sha256:' || ?2",
    file_digest: "'sha256:' || ?2",
  };
  const insert = database.prepare(
    `INSERT INTO plugins (${columns.join(", ")}) SELECT ${columns.map((name) => replaced[name] ?? name).join(", ")} FROM plugins WHERE id = 'bench.p0'`,
  );
  const grant = database.prepare(
    `INSERT INTO grants (plugin_id, permission, granted_at) VALUES (?, '{"name":"secrets_access","names":["key"],"reveal":false}', '2026-01-01T00:00:00.000Z')`,
  );
  database.exec("BEGIN");
  for (let index = 1; index < count; index += 1) {
    insert.run(`bench.p${index}`, index.toString(16).padStart(64, "0"));
    grant.run(`bench.p${index}`);
  }
  database.exec("COMMIT");
  database.close();
}

interface Opened {
  readonly openMs: number;
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly plugins: number;
}

async function open(flags: readonly string[], dataDir: string, expected: number): Promise<Opened> {
  const file = join(import.meta.dirname, "../host/open-once.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "--expose-gc", file, dataDir]);
  const opened = JSON.parse(stdout) as Opened;
  if (opened.plugins !== expected) throw new Error(`expected ${expected} plugins, found ${opened.plugins}`);
  return opened;
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-host-"));
  const [none, many] = [join(folder, "none"), join(folder, "many")];
  try {
    await fill(many, PLUGINS);
    const built = builtPackages();
    // The copies have no mark of today's checks: the first start after an update, which checks them and leaves the mark.
    const checked = await open(built, many, PLUGINS);
    await open(built, none, 0);
    const kinds = [
      { subject: "no plugins", flags: built, dataDir: none, plugins: 0, found: [] as Opened[] },
      { subject: `${PLUGINS} plugins`, flags: built, dataDir: many, plugins: PLUGINS, found: [] as Opened[] },
      { subject: "none, from sources", flags: [], dataDir: none, plugins: 0, found: [] as Opened[] },
      { subject: `${PLUGINS}, from sources`, flags: [], dataDir: many, plugins: PLUGINS, found: [] as Opened[] },
    ];
    // In turns, so that a busy machine is busy for all.
    for (let round = 0; round < ROUNDS; round += 1)
      for (const { flags, dataDir, plugins, found } of kinds) found.push(await open(flags, dataDir, plugins));
    const sorted = (found: readonly Opened[], key: keyof Opened): number[] =>
      found.map((each) => each[key]).toSorted((a, b) => a - b);
    const rows = kinds.flatMap(({ subject, found }): Row[] => {
      const open = sorted(found, "openMs");
      const resident = sorted(found, "rssMb");
      const cpu = percentile(sorted(found, "cpuMs"), 0.5);
      return [
        { case: "open", subject, median: percentile(open, 0.5), p99: percentile(open, 0.99), unit: "ms", cpu },
        {
          case: "resident",
          subject,
          median: percentile(resident, 0.5),
          p99: percentile(resident, 0.99),
          unit: "MB",
          cpu: Number.NaN,
        },
      ];
    });
    const goal = (id: string, at: number, limit: number): Ratio => {
      const value = rows[at]?.median ?? Number.NaN;
      return { id, value, goal: limit, holds: value <= limit };
    };
    const { openMs, cpuMs } = checked;
    rows.push({
      case: "open after an update",
      subject: `${PLUGINS} plugins`,
      median: openMs,
      p99: openMs,
      unit: "ms",
      cpu: cpuMs,
    });
    return { rows, ratios: [goal("host.start.1000", 2, 1_000), goal("host.memory.1000", 3, 200)] };
  } finally {
    await rm(folder, { recursive: true });
  }
}
