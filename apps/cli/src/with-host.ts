import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";

import type { Invocation } from "./command.ts";

/** Opens the host of the data directory for one command, and closes it however the command ends. */
export async function withHost<Result>(
  { dataDir, terminal }: Invocation,
  work: (host: Host<string>) => Promise<Result>,
): Promise<Result> {
  const host = await openHost<string>({
    dataDir,
    engines: [isolate()],
    partitionOf: (user) => user,
    onLog: ({ pluginId, level, text }) => terminal.say(`[${pluginId}] ${level}: ${text}`),
  });
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}
