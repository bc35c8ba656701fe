import { access } from "node:fs/promises";
import { join } from "node:path";

import { quote } from "@berth/base";
import { parseAlerts } from "@berth/host";
import type { AlertRule } from "@berth/host";

import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { formatEventLine } from "../event-line.ts";
import { readInput, resolveFolder } from "../files.ts";
import { removeHostFile, writeHostFile } from "../host-file.ts";
import { untilStopped } from "../until-stopped.ts";
import { openLocalHost } from "../with-host.ts";

/** How long calls under way have when the program is asked to end. */
const DRAIN_MS = 10_000;

export const command: Command = {
  summary: "keep a host running; other commands on the same data directory then speak to it",
  usage: "start [--port N] [--alerts FILE] [--plugin-folder DIR …]",
  options: {
    port: { type: "string", value: "N", help: "the port on loopback; left out or 0 takes a free one" },
    alerts: { type: "string", value: "FILE", help: "rules of alerts, as JSON; else alerts.json of the data directory" },
    "plugin-folder": {
      type: "string",
      multiple: true,
      value: "DIR",
      help: "a folder that berth discover looks in; nothing in it is installed or run by itself",
    },
  },
  async run(invocation) {
    const [verb, ...rest] = invocation.args;
    if (verb !== "start" || rest.length > 0)
      throw new CliError("CLI_USAGE", `expected start, found ${quote(verb ?? "nothing")}`);
    const port = invocation.text("port") ?? "0";
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
      throw new CliError("CLI_USAGE", `expected a port after --port, found ${quote(port)}`);
    const { startHostServer } = await import("@berth/host-http");
    const host = await openLocalHost(invocation, {
      alerts: await readAlerts(invocation),
      pluginFolders: invocation
        .list("plugin-folder")
        .map((folder) => resolveFolder(folder, "a folder after --plugin-folder")),
      onEvent(event) {
        const line = formatEventLine(event);
        if (line !== undefined) invocation.terminal.say(line);
      },
    });
    try {
      const server = await startHostServer(host, { port: Number(port) });
      const { url, token } = server;
      await writeHostFile(invocation.dataDir, { pid: process.pid, url, token });
      return {
        json: { ok: true, url, pid: process.pid },
        text: [
          `the host answers at ${url}; Ctrl-C ends it`,
          `  the token for programs of yours is in ${invocation.dataDir}/host-api.json`,
        ].join("\n"),
        async keepRunning() {
          await untilStopped();
          await removeHostFile(invocation.dataDir);
          // The server still answers what is under way, and refuses the rest: its host is closed.
          await host.close({ drainMs: DRAIN_MS });
          await server.close();
        },
      };
    } catch (error) {
      await host.close();
      throw error;
    }
  },
};

/** Rules that cannot be read stop the start: nobody would notice that they are missing. */
async function readAlerts({ dataDir, text }: Invocation): Promise<readonly AlertRule[]> {
  const named = text("alerts");
  if (named !== undefined) return parseAlerts(await readInput(named));
  const file = join(dataDir, "alerts.json");
  try {
    await access(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
  }
  return parseAlerts(await readInput(file));
}
