export { configSchema, settingsOf, variableOf } from "./config.ts";
export type { RegistryConfig } from "./config.ts";
export { RegistryError, registryErrors } from "./errors.ts";
export type { RegistryErrorCode } from "./errors.ts";
export { startRegistry, startRegistry as start } from "./start.ts";
export type { RunningRegistry } from "./start.ts";
