import { stat } from "node:fs/promises";
import { join } from "node:path";

import { isCodedError, sanitize } from "@berth/base";
import type { PermissionSuggestion } from "@berth/host";

import type { Command, Invocation } from "../command.ts";
import { onlyArgument } from "../files.ts";
import { readHostFile } from "../host-file.ts";
import { lintFolder } from "../lint/lint-folder.ts";
import { readPluginFolder } from "../plugin-folder.ts";
import { withOwnHost } from "../with-host.ts";

export const command: Command = {
  summary: "look at a plugin's folder: permissions that are missing, unused or too wide, and advice",
  usage: "DIR [--strict]",
  options: { strict: { type: "boolean", help: "end with 3 at warnings too, not at errors alone" } },
  async run(invocation) {
    const folder = await readPluginFolder(onlyArgument(invocation.args, "a plugin's folder"));
    const { id, version } = folder.manifest;
    const findings = await lintFolder(folder, await runsOf(invocation, id));
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

/** What real runs used, of `berth dev` or of the data directory, when a journal is there and nobody else owns it. */
async function runsOf(invocation: Invocation, id: string): Promise<PermissionSuggestion | undefined> {
  for (const dataDir of [join(invocation.dataDir, "development"), invocation.dataDir]) {
    const hasJournal = await stat(join(dataDir, "host.sqlite")).then(
      (about) => about.isFile(),
      () => false, // No host was ever opened here.
    );
    if (!hasJournal) continue;
    if ((await readHostFile(dataDir)) !== undefined) {
      invocation.terminal.say(`a host runs on ${dataDir}: what runs used was not looked at`);
      continue;
    }
    try {
      return await withOwnHost({ ...invocation, dataDir }, (host) => host.suggestPermissions(id));
    } catch (error) {
      if (!isCodedError(error) || error.code !== "HOST_PLUGIN_UNKNOWN") throw error;
    }
  }
  return undefined;
}
