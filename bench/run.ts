// npm run bench -- NAME [--json]
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { formatReport, machine } from "./runner.ts";
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
process.stdout.write(args.includes("--json") ? `${JSON.stringify(report)}\n` : formatReport(report));
process.exit(0);
