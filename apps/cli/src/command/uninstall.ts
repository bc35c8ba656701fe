import { open } from "node:fs/promises";

import { quote } from "@berth/base";
import { unneededAfter } from "@berth/host";
import type { UninstallPreview } from "@berth/host";
import { formatBytes } from "@berth/spec";

import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import type { HostAccess } from "../host-access.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "remove a plugin, or several, with grants and stored data",
  usage: "ID … [--prune] | --unneeded [--preview] [--yes] [--export FILE]",
  options: {
    unneeded: { type: "boolean", help: "remove everything that nobody asked for and nobody needs" },
    prune: { type: "boolean", help: "together with them, remove what then nobody asked for and nobody needs" },
    preview: { type: "boolean", help: "only tell what would be erased" },
    yes: { type: "boolean", help: "do not ask" },
    export: {
      type: "string",
      value: "FILE",
      help: "first write what the plugin stored, its settings and schedules to a new file, as JSON Lines",
    },
  },
  async run(invocation) {
    const { args, isSet, text } = invocation;
    const file = text("export");
    if (isSet("unneeded") === args.length > 0) throw new CliError("CLI_USAGE", "expected plugins' ids, or --unneeded");
    if (file !== undefined && args.length !== 1)
      throw new CliError("CLI_USAGE", "expected exactly one plugin together with --export");
    return withHost(invocation, async (host) => {
      const unneeded = async (): Promise<string[]> =>
        (await host.graph()).filter((node) => node.isUnneeded).map(({ id }) => id);
      const named = isSet("unneeded") ? await unneeded() : [...new Set(args)];
      const [only] = named;
      const orphans = isSet("unneeded") ? [] : unneededAfter(await host.graph(), named);
      const ids = isSet("prune") ? [...named, ...orphans] : named;
      const previews = await Promise.all(ids.map((id) => host.previewUninstall(id)));
      const preview = [
        ...previews.map((each) => `uninstalling ${each.pluginId} would erase ${describe(each)}`),
        ...(isSet("prune") ? [] : offer(orphans)),
        ...(file === undefined ? offerExport(previews) : []),
      ].join("\n");
      if (isSet("preview")) {
        return {
          json: { ok: true, previews, ...(ids.length === 1 && { preview: previews[0] }), unneeded: orphans },
          text: preview || NOTHING,
        };
      }
      if (ids.length > 0 && !isSet("yes")) await askPerson(invocation, ids, preview);
      if (file !== undefined && only !== undefined) await writeExport(host, only, file);
      const receipts = ids.length === 0 ? [] : await host.uninstallAll(ids);
      const left = await unneeded();
      const lines = receipts.map(
        (receipt) => `uninstalled ${receipt.pluginId}; erased: ${describe(receipt)}. The journal stays.`,
      );
      if (lines.length === 0) lines.push(NOTHING);
      lines.push(...offer(left));
      return {
        json: {
          ok: true,
          ids,
          receipts,
          ...(receipts.length === 1 && { id: only, receipt: receipts[0] }),
          ...(file !== undefined && { exportedTo: file }),
          unneeded: left,
        },
        text: lines.join("\n"),
      };
    });
  },
};

/** Nothing can be taken back afterwards. @throws CliError CLI_CONSENT_NEEDED, CLI_DECLINED */
async function askPerson({ terminal }: Invocation, ids: readonly string[], preview: string): Promise<void> {
  if (!terminal.isInteractive)
    throw new CliError(
      "CLI_CONSENT_NEEDED",
      `uninstalling ${ids.join(", ")} needs your answer, and standard input is not a terminal:\n${preview}`,
      { hint: "Answer with --yes; --export FILE keeps what a plugin stored." },
    );
  terminal.say(preview);
  const what = ids.length > 1 ? `these ${ids.length} plugins` : ids.join();
  if (!(await terminal.confirm(`Uninstall ${what} and erase that?`)))
    throw new CliError("CLI_DECLINED", "nothing was erased");
}

/** For one plugin at a time: a file holds the data of one. */
function offerExport(previews: readonly UninstallPreview[]): string[] {
  const kept = previews.filter(({ data, secrets, schedules }) => data.length > 0 || secrets > 0 || schedules > 0);
  if (kept.length === 0) return [];
  const whose = previews.length === 1 ? "its" : "a plugin's, one at a time,";
  return [`to keep ${whose} data, settings and schedules: --export FILE; secrets are not written`];
}

const offer = (ids: readonly string[]): string[] =>
  ids.length === 0 ? [] : [`nobody needs any more: ${ids.join(", ")} (berth uninstall --unneeded)`];

const NOTHING = "everything that is installed is needed";

function describe({ data, grants, secrets, schedules, events }: UninstallPreview): string {
  const keys = data.reduce((sum, area) => sum + area.keys, 0);
  const bytes = data.reduce((sum, area) => sum + area.bytes, 0);
  const partitions = data.filter(({ partition }) => partition !== undefined).length;
  return `${keys} stored values (${formatBytes(bytes)}, of ${partitions} partitions and the plugin itself), ${grants} grants, ${secrets} secrets, ${schedules} schedules, ${events} waiting events`;
}

/** A failed export must stop the erasure: the data may be the only copy. */
async function writeExport(host: HostAccess, id: string, file: string): Promise<void> {
  try {
    await using handle = await open(file, "wx", 0o600);
    for await (const lines of host.exportData(id)) await handle.appendFile(lines);
    await handle.sync();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new CliError(
      "CLI_FILE_UNWRITABLE",
      `the export to ${quote(file, 200)} failed (${reason}); nothing was erased`,
      {
        cause: error,
      },
    );
  }
}
