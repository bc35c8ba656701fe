import { quote } from "@berth/base";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { removeHostFile, writeHostFile } from "../host-file.ts";
import { untilStopped } from "../until-stopped.ts";
import { openLocalHost } from "../with-host.ts";

/** How long calls under way have when the program is asked to end. */
const DRAIN_MS = 10_000;

export const command: Command = {
  summary: "keep a host running; other commands on the same data directory then speak to it",
  usage: "start [--port N]",
  options: { port: { type: "string", value: "N", help: "the port on loopback; left out or 0 takes a free one" } },
  async run(invocation) {
    const [verb, ...rest] = invocation.args;
    if (verb !== "start" || rest.length > 0)
      throw new CliError("CLI_USAGE", `expected start, found ${quote(verb ?? "nothing")}`);
    const port = invocation.text("port") ?? "0";
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
      throw new CliError("CLI_USAGE", `expected a port after --port, found ${quote(port)}`);
    const { startHostServer } = await import("@berth/host-http");
    const host = await openLocalHost(invocation);
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
