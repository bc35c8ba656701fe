export { HostError, hostErrors } from "./errors.ts";
export type { HostErrorCode } from "./errors.ts";
export { Host, openHost } from "./host.ts";
export type { CallOptions, Consent, HostOptions, PluginLogLine, PluginSummary } from "./host.ts";
export type { JournalEntry, JournalKind, JournalQuery } from "./journal.ts";
export { RELEASE_ENVELOPE, openPackage } from "./plan.ts";
export type { OpenedPackage, Plan, PlannedPermission, PlannedSigner } from "./plan.ts";
export { DEFAULT_POLICY } from "./policy.ts";
export type { Policy } from "./policy.ts";
