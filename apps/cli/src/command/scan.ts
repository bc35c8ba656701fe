import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { quote } from "@berth/base";
import { scanFile, scanPackage } from "@berth/scanner";
import type { InputFile } from "@berth/scanner";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";

const SKIPPED: ReadonlySet<string> = new Set(["node_modules", ".git"]);

async function readFolder(folder: string, below = ""): Promise<InputFile[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const files: InputFile[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) files.push(...(await readFolder(folder, path)));
    // Links are not followed: what they lead to is not part of the package.
    else if (entry.isFile()) files.push({ path, bytes: await readInput(join(folder, path)) });
  }
  return files;
}

async function scanPath(path: string): Promise<ReturnType<typeof scanFile>> {
  const about = await stat(path).catch((error: unknown) => {
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(path, 200)} cannot be read`, { cause: error });
  });
  if (about.isDirectory()) return scanPackage(path, await readFolder(path));
  return scanFile({ path: basename(path), bytes: await readInput(path) });
}

export const command: Command = {
  summary: "tell what files or a plugin's folder would do; informs, and is never the wall",
  usage: "PATH … [--fail-on review|block]",
  options: { "fail-on": { type: "string", value: "VERDICT", help: "end with 3 at this verdict or a worse one" } },
  async run({ args, text }) {
    const failOn = text("fail-on");
    if (args.length === 0) throw new CliError("CLI_USAGE", "expected at least one file or folder");
    if (failOn !== undefined && failOn !== "review" && failOn !== "block") {
      throw new CliError("CLI_USAGE", `expected --fail-on review or block, found ${quote(failOn)}`);
    }
    const results: ReturnType<typeof scanFile>[] = [];
    for (const path of args) results.push({ ...(await scanPath(path)), path });
    const isMet = results.some(({ verdict }) =>
      verdict === "block" ? failOn !== undefined : verdict === "review" && failOn === "review",
    );
    const lines = results.flatMap(({ path, score, verdict, findings }) => [
      `${path}: ${verdict}, ${score} of 100`,
      ...findings.map(
        ({ severity, file, line, message, rule }) => `  ${severity.padEnd(8)} ${file}:${line}  ${message} (${rule})`,
      ),
    ]);
    return { json: { results }, text: lines.join("\n"), exitCode: isMet ? 3 : 0 };
  },
};
