// npm run bench -- NAME [--json]
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { machine } from "./runner.ts";
import type { Report, Row, Ratio } from "./runner.ts";

const args = process.argv.slice(2);
const name = args.find((arg) => !arg.startsWith("--")) ?? "";
const file = join(import.meta.dirname, "cases", `${name}.ts`);
if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) {
  const known = readdirSync(join(import.meta.dirname, "cases")).map((each) => each.replace(".ts", ""));
  process.stderr.write(`expected the name of a benchmark: ${known.join(", ")}\n`);
  process.exit(2);
}
const { run } = (await import(pathToFileURL(file).href)) as { run: () => Promise<{ rows: Row[]; ratios: Ratio[] }> };
const report: Report = { name, machine: machine(), ...(await run()) };
if (args.includes("--json")) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
} else {
  process.stdout.write(`${report.name} on ${report.machine}\n`);
  for (const row of report.rows) {
    process.stdout.write(
      `  ${row.case.padEnd(24)} ${row.subject.padEnd(20)} ${row.median.toFixed(1).padStart(10)} ${row.unit}  p99 ${row.p99.toFixed(1)}  cpu ${row.cpu.toFixed(1)}\n`,
    );
  }
  for (const { id, value, goal, holds } of report.ratios) {
    process.stdout.write(`  ${holds ? "holds " : "MISSES"} ${id}: ${value.toFixed(2)} (goal ${goal})\n`);
  }
}
process.exit(0);
