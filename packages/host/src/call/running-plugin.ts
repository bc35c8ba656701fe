import type { RunningPlugin as SandboxedPlugin } from "@berth/sandbox";

/** What runs of a plugin. */
export interface RunningPlugin extends SandboxedPlugin {
  /** How often a process was lost while this release was at work in it, since the host opened. */
  readonly losses: number;
}
