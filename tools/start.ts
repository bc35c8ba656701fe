// npm start: the main job from end to end, with the same commands that a reader would type.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { rowsFromCsv } from "../examples/data-processor/rows-from-csv.ts";
import { root } from "./workspace.ts";

const dataDir = join(root, ".berth", "start");
const shown = (path: string): string => relative(root, path);
const say = (line = ""): void => void process.stdout.write(`${line}\n`);

/** Runs one command of the CLI and shows it with its answer; a failure ends the tour. */
function berth(...args: string[]): string {
  say(`\n  $ berth ${args.map((arg) => (arg.startsWith(root) ? shown(arg) : arg)).join(" ")}`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(root, "apps/cli/src/main.ts"), ...args, "--data-dir", dataDir],
    { cwd: root, encoding: "utf8", maxBuffer: 64 * 1_048_576 },
  );
  for (const line of `${stderr}${stdout}`.trimEnd().split("\n")) say(`    ${line}`);
  if (status === 0) return stdout;
  say(`\nThat command ended with ${status ?? "a signal"}; the tour stops here.`);
  process.exit(status ?? 1);
}

rmSync(dataDir, { recursive: true, force: true });
mkdirSync(dataDir, { recursive: true });
const packageFile = join(dataDir, "berth.data-processor-1.0.0.berth");
const table = join(root, "examples/data-processor/node_modules/vega-datasets/data/seattle-weather.csv");
const rows = rowsFromCsv(readFileSync(table, "utf8"));
const input = join(dataDir, "weather.json");

say("Berth runs other people's code inside your product, safely. Here is its main job, on a real table.");
say("\n1. An author turns a folder into one package file. The same folder gives the same bytes everywhere.");
berth("pack", join(root, "examples/data-processor"), "--out", packageFile);
say("\n2. The author makes a key once, and signs the package with it.");
berth("keys", "create");
berth("sign", packageFile);
say("\n3. Anybody can check the package, without a network. One changed byte is refused.");
const { signer } = JSON.parse(berth("verify", packageFile, "--json")) as { signer: { keyId: string } };
const damaged = Uint8Array.from(readFileSync(packageFile));
damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
writeFileSync(join(dataDir, "damaged.berth"), damaged);
const refusal = spawnSync(
  process.execPath,
  [
    "--disable-warning=ExperimentalWarning",
    join(root, "apps/cli/src/main.ts"),
    "verify",
    join(dataDir, "damaged.berth"),
  ],
  { encoding: "utf8" },
);
say(`\n  $ berth verify ${shown(join(dataDir, "damaged.berth"))}     (the same file with one bit changed)`);
for (const line of refusal.stderr.trimEnd().split("\n")) say(`    ${line}`);
say("\n4. A user installs it. Berth shows what it asks for; this plugin asks for nothing.");
say("   At a terminal `berth install FILE` asks you. Here the answer is given on the command line:");
berth("install", packageFile, "--yes", "--trust", signer.keyId);
say(
  `\n5. The plugin runs on ${rows.length} days of weather in Seattle, in a process of its own that can be killed at any moment.`,
);
writeFileSync(
  input,
  JSON.stringify({
    rows,
    groupBy: ["weather"],
    measures: [
      { op: "count", as: "days" },
      { op: "mean", column: "temp_max" },
      { op: "max", column: "wind" },
    ],
  }),
);
berth("run", "berth.data-processor", "aggregate", "--input", input);
say("\n6. Everything that happened is in the journal.");
berth("journal");
say(`\nDone. The state of this tour is in ${shown(dataDir)}; the next run starts afresh.`);
say("To write a plugin of your own: ./bin/berth create my-plugin");
