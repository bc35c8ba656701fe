export type {
  BrokerRequest,
  CallContext,
  CallUsage,
  CompartmentPlan,
  LogLine,
  SandboxCall,
} from "./compartment-plan.ts";
export { PluginLoadError } from "./engine.ts";
export type {
  Compartment,
  CompartmentOptions,
  CompartmentPort,
  Engine,
  EngineDescriptor,
  LossReason,
} from "./engine.ts";
export { SandboxError, engineMissing, sandboxErrors } from "./errors.ts";
export type { SandboxErrorCode } from "./errors.ts";
export { isCrash } from "./loss.ts";
export type { Loss } from "./loss.ts";
export { SupervisedCompartment } from "./node-supervised-compartment.ts";
export { Supervisor } from "./node-supervisor.ts";
export type { RunningPlugin, RunningProcess, SupervisorOptions } from "./node-supervisor.ts";
export type { ProgramEnd, ProgramOutcome, ProgramRun } from "./node-program.ts";
export { runSandboxHost } from "./node-sandbox-host.ts";
export type { EndReason } from "./node-sandbox.ts";
export type { PluginFailure } from "./plugin-failure.ts";
export type { Progress } from "./progress.ts";
export { ItemStream } from "./item-stream.ts";
export { machineWalls } from "./walls/node-machine-walls.ts";
export type { ChosenWall, MachineWalls, WallOptions } from "./walls/node-machine-walls.ts";
export { programWall } from "./walls/node-program-wall.ts";
export type { ProgramWall, ProgramWallOffer, ProgramWallOptions } from "./walls/node-program-wall.ts";
export type { UserIdRange } from "./walls/node-user-id-pool.ts";
export type { Missing, RuntimeFile, Wall, WallOffer, WallStrength } from "./walls/wall.ts";
export { WasmSection, formatUint, readSections, readUint, writeSections } from "./wasm-binary.ts";
export type { Section } from "./wasm-binary.ts";
