import type { RunningPlugin as SandboxedPlugin } from "@berth/sandbox";

export type { RunningProcess } from "@berth/sandbox";

/** What runs of a plugin. */
export interface RunningPlugin extends SandboxedPlugin {
  /**
   * How often a process was lost to this plugin, whichever release ran, since the host opened or it was installed; see
   * `PluginUse.losses`.
   */
  readonly losses: number;
}
