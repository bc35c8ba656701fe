import type { LogLine } from "@berth/sandbox";

import type { HostOptions, PluginLogLine } from "../host-options.ts";
import type { InstanceLabel } from "./instance-label.ts";

/** Who hears lines of plugins, and whether what is labelled may be among them. */
export type LogSink = Pick<HostOptions<never>, "onLog" | "logTakesLabelled">;

const WITHHELD = "lines are withheld from here on: this instance has had labelled data, and the log takes none";

/**
 * The line as the log may have it; `undefined`: nothing of it. A log that takes no labelled data hears once that
 * lines are withheld: their number and level would be words too.
 */
export function admitLine(
  line: LogLine,
  pluginId: string,
  instance: InstanceLabel,
  takesLabelled: boolean,
): PluginLogLine | undefined {
  const label = instance.ofLog;
  if (label === undefined) return { ...line, pluginId };
  if (takesLabelled) return { ...line, pluginId, label };
  if (instance.hasToldLog) return undefined;
  instance.hasToldLog = true;
  return { level: "info", text: WITHHELD, action: undefined, pluginId, label };
}
