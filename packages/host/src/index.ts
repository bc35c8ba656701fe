export { isCodedError } from "@berth/base";
export type { SecretSummary, SecretsRotation } from "./broker/vault.ts";
export { HostError, hostErrors } from "./errors.ts";
export type { HostErrorCode } from "./errors.ts";
export type { SetAlarm } from "./alarm.ts";
export type { AppEvent, Published } from "./events/event-bus.ts";
export { HostEvents } from "./events/host-events.ts";
export type { DeadLetter } from "./events/host-events.ts";
export type { EventHandler, HostEventDelivery } from "./events/subscribers.ts";
export type {
  GraphConsent,
  GraphMember,
  GraphPlan,
  GraphProgress,
  GraphRequest,
  PublisherOrigin,
} from "./graph/graph-plan.ts";
export type { InstalledNeed, InstalledNode } from "./graph/installed-graph.ts";
export { unneededAfter } from "./graph/unneeded-after.ts";
export type { NeedingNode } from "./graph/unneeded-after.ts";
export { Host } from "./host.ts";
export type { RunningPlugin, RunningProcess } from "./call/running-plugin.ts";
export type { CallOptions, KeyedCallOptions } from "./call/call-options.ts";
export type { DevelopmentFolder, DevelopmentSummary } from "./development/development-folder.ts";
export type { Developments } from "./development/developments.ts";
export type {
  DiscoveredDevelopment,
  DiscoveredPackage,
  DiscoveredPlugin,
  Discovery,
  DiscoveryRequest,
  InstalledNamesake,
  SearchedFolder,
} from "./discovery/discovered-plugin.ts";
export type { HostEvent } from "./host-event.ts";
export type { HostOptions, PluginLogLine } from "./host-options.ts";
export type { Consent } from "./install/consent.ts";
export type { StoredDataSummary, UninstallPreview, UninstallReceipt } from "./install/erasure.ts";
export { DEPLOYMENT_ENVELOPE, RELEASE_ENVELOPE, openPackage } from "./install/plan.ts";
export type { OpenedPackage, Plan, PlannedPermission } from "./install/plan.ts";
export { unverifiedEnvelopeOf } from "./install/signer.ts";
export type {
  DeploymentSigner,
  DevelopmentSigner,
  PlannedSigner,
  PublisherSigner,
  SignedPackage,
  UncheckedDeployment,
} from "./install/signer.ts";
export type { JournalEntry, JournalKind, JournalQuery } from "./journal.ts";
export { TRANSITIONS } from "./lifecycle/transitions.ts";
export type { PluginSummary } from "./lifecycle/plugin-summary.ts";
export type { PluginState, Verb } from "./lifecycle/transitions.ts";
export { keepOutOfGit, makeFolders } from "./node-data-dir.ts";
export { openHost } from "./open-host.ts";
export { DEFAULT_POLICY, parsePolicy, policyJsonSchema } from "./policy.ts";
export type { Policy, PolicyInput } from "./policy.ts";
export type { Term } from "./rights/decide-right.ts";
export type { Grant, PolicyGrant } from "./rights/grants.ts";
export type { PendingRequest } from "./rights/permission-requests.ts";
export type { PermissionSuggestion, SuggestedRequest } from "./rights/suggest.ts";
export type { PermissionAnswer, PermissionQuestion } from "./rights/rights.ts";
export type { Schedule, ScheduleDefinition, ScheduleKey } from "./schedules/schedule-rows.ts";
export type { Progress } from "@berth/sandbox";
export { parseAlerts } from "./statistics/alert-rule.ts";
export type { AlertRule } from "./statistics/alert-rule.ts";
export type { PluginUse } from "./statistics/plugin-use.ts";
export type {
  RecordChange,
  RecordFields,
  RecordQuery,
  UserDataProvider,
  UserDataScope,
  UserRecord,
} from "./user-data-provider.ts";
export type { StatisticsQuery } from "./statistics/period.ts";
export type { ActionStatistics } from "./statistics/statistics.ts";
export type { NewRegistry, PublisherBinding, RegistryBook, RegistryRecord } from "./registry/registry-book.ts";
