import type { LossReason } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import type { SandboxErrorCode } from "./errors.ts";
import type { EndReason } from "./node-sandbox.ts";
import type { PluginFailure } from "./plugin-failure.ts";

const OUTCOMES: Readonly<Record<EndReason | LossReason, [SandboxErrorCode, string]>> = {
  deadline: ["SANDBOX_DEADLINE", "did not end within its wall time"],
  cpu: ["SANDBOX_CPU", "used more CPU time than it may"],
  memory: ["SANDBOX_MEMORY", "used more memory than it may"],
  protocol: ["SANDBOX_PROTOCOL", "was under way in a sandbox host that broke the protocol"],
  closed: ["SANDBOX_CLOSED", "was under way when the host was closed"],
  starter: ["SANDBOX_CRASHED", "was under way when the process that starts sandbox hosts ended"],
  crashed: ["SANDBOX_CRASHED", "was under way when its process ended"],
};

/**
 * The error of a call that was lost with its compartment. `isCulprit` false: another call made us end the process.
 * `isShared`: others were in the process too, and nobody knows whose fault it was.
 */
export function lossError(
  action: string,
  reason: EndReason | LossReason,
  isCulprit = true,
  isShared = false,
): SandboxError {
  const [code, words] = OUTCOMES[reason];
  if (!isCulprit && reason !== "closed")
    return new SandboxError(
      "SANDBOX_NEIGHBOUR",
      `the action ${action} was lost because of another call: that one ${words}`,
    );
  return new SandboxError(code, `the action ${action} ${words}`, isShared ? { details: { sharedProcess: true } } : {});
}

export const cancelled = (action: string): SandboxError =>
  new SandboxError("SANDBOX_CANCELLED", `the call of ${action} was cancelled`);

/** A call that did nothing but wait for another compartment of its process to come out. */
export const outwaited = (action: string): SandboxError =>
  new SandboxError(
    "SANDBOX_DEADLINE",
    `the action ${action} did not end within its wall time: another plugin of its process was at work`,
  );

/** A call that was not made. `why` says what there is too much of. */
export const busy = (action: string, why: string): SandboxError =>
  new SandboxError("SANDBOX_BUSY", `the action ${action} was not called: ${why}`);

/** What the plugin's own code threw. */
export function pluginThrew(
  code: "SANDBOX_PLUGIN_THREW" | "SANDBOX_LOAD_FAILED",
  what: string,
  failure: PluginFailure,
): SandboxError {
  return new SandboxError(code, `${what}: ${failure.name}: ${failure.message}`, { details: { plugin: failure } });
}
