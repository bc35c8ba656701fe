// Starts the built CLI; before that, set-up where anything that it was built from is not as it was then. `bin/berth`
// hands over to this. Sizes and times are asked, since digests of a thousand files would cost more than most commands.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CLI_ENTRY, isAsBuilt } from "./runtime-times.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

if (!isAsBuilt(root)) {
  const { spawnSync } = await import("node:child_process");
  // Standard input and output belong to the command.
  const bootstrap = join(root, "tools", "bootstrap.mjs");
  const { status, error } = spawnSync(process.execPath, [bootstrap], { stdio: ["ignore", 2, 2] });
  if (error !== undefined) process.stderr.write(`berth: set-up could not be started: ${error.message}\n`);
  if (status !== 0) process.exit(status ?? 70);
}
await import(pathToFileURL(join(root, readFileSync(join(root, CLI_ENTRY), "utf8").trim())).href);
