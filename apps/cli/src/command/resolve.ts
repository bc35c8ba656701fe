import { parseUniverse, resolveUniverse } from "@berth/resolver";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";

export const command: Command = {
  summary: "find releases that fit together over a registry in a file",
  usage: "--universe FILE …",
  options: { universe: { type: "string", multiple: true, value: "FILE", help: "a registry with roots, as JSON" } },
  async run({ args, list }) {
    // `--universe A B` reads as one option and arguments: all of them are files.
    const files = [...list("universe"), ...args];
    if (files.length === 0) throw new CliError("CLI_USAGE", "expected --universe FILE");
    const results: ({ file: string } & ReturnType<typeof resolveUniverse>[number])[] = [];
    for (const file of files) {
      const universe = parseUniverse(new TextDecoder().decode(await readInput(file)));
      const answers = resolveUniverse(universe, { clock: () => performance.now() });
      results.push(...answers.map((answer) => ({ file, ...answer })));
    }
    const lines = results.map((result) =>
      result.kind === "solution"
        ? `${result.file}: ${Object.entries(result.solution)
            .map(([name, version]) => `${name} ${version}`)
            .join(", ")}`
        : `${result.file}: nothing fits\n${result.explanation}`,
    );
    return { json: { results }, text: lines.join("\n") };
  },
};
