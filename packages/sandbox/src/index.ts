export { PluginLoadError } from "./engine.ts";
export type {
  Compartment,
  CompartmentOptions,
  CompartmentPort,
  Engine,
  EngineDescriptor,
  LossReason,
} from "./engine.ts";
export { SandboxError, sandboxErrors } from "./errors.ts";
export type { SandboxErrorCode } from "./errors.ts";
export { SupervisedCompartment, Supervisor } from "./node-supervisor.ts";
export type {
  BrokerRequest,
  CallContext,
  CompartmentPlan,
  LogLine,
  SandboxCall,
  SupervisorOptions,
} from "./node-supervisor.ts";
export { runSandboxHost } from "./node-sandbox-host.ts";
export type { EndReason } from "./node-sandbox.ts";
export type { PluginFailure } from "./plugin-failure.ts";
