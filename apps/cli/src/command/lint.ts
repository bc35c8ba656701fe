import { sanitize } from "@berth/base";

import type { Command } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { lintFolder } from "../lint/lint-folder.ts";
import { readPluginFolder } from "../plugin-folder.ts";
import { developmentDataDir, findRuns } from "../runs.ts";

export const command: Command = {
  summary: "look at a plugin's folder: permissions that are missing, unused or too wide, and advice",
  usage: "DIR [--strict]",
  options: { strict: { type: "boolean", help: "end with 3 at warnings too, not at errors alone" } },
  async run(invocation) {
    const folder = await readPluginFolder(onlyArgument(invocation.args, "a plugin's folder"));
    const { id, version } = folder.manifest;
    const { dataDir } = invocation;
    // What was tried out comes first: it is of this folder.
    const runs = await findRuns(invocation, id, [developmentDataDir(dataDir), dataDir]);
    const findings = await lintFolder(folder, runs?.suggestion);
    const count = (severity: string): number => findings.filter((each) => each.severity === severity).length;
    const [errors, warnings, advice] = ["error", "warning", "advice"].map(count) as [number, number, number];
    const isRefused = errors > 0 || (invocation.isSet("strict") && warnings > 0);
    return {
      json: { ok: !isRefused, id, version, errors, warnings, advice, findings },
      text: [
        ...findings.map(
          ({ severity, rule, file, line, message }) =>
            `${sanitize(file, 300)}:${line}: ${severity}: ${message} (${rule})`,
        ),
        findings.length === 0
          ? `${id} ${version}: nothing to say`
          : `${id} ${version}: ${errors} errors, ${warnings} warnings, ${advice} advice`,
      ].join("\n"),
      exitCode: isRefused ? 3 : 0,
    };
  },
};
