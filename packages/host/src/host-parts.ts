import { reportOf } from "@berth/base";
import { Supervisor, programWall } from "@berth/sandbox";
import type { Permission } from "@berth/spec";
import type { Row, Store } from "@berth/store";

import { makeTimerAlarm } from "./alarm.ts";
import { Broker } from "./broker/broker.ts";
import { Settings, makeConfigService } from "./broker/config.ts";
import { DailyBytes } from "./broker/daily-bytes.ts";
import { makeEventsService } from "./broker/events.ts";
import { makeExecService } from "./broker/exec.ts";
import { makeFilesService } from "./broker/files.ts";
import { HourlyCounts } from "./broker/hourly-counts.ts";
import { KeyedEffects } from "./broker/keyed-effects.ts";
import { makeNetworkService } from "./broker/network.ts";
import { VaultKeyFiles } from "./broker/node-vault-key.ts";
import { makePermissionsService } from "./broker/permissions.ts";
import { makePluginsService } from "./broker/plugins.ts";
import { trustDomainOf } from "./broker/sealed-secret.ts";
import { makeSchedulesService } from "./broker/schedules.ts";
import { makeSecretsService } from "./broker/secrets.ts";
import { makeStorageService } from "./broker/storage.ts";
import { makeUserDataService } from "./broker/user-data.ts";
import { Vault } from "./broker/vault.ts";
import { Calls } from "./call/calls.ts";
import { Compartments, isTrial } from "./call/compartments.ts";
import { KeyedCalls } from "./call/keyed-calls.ts";
import { AreaLabels } from "./labels/area-labels.ts";
import { ChangeQueue } from "./change-queue.ts";
import { Developments } from "./development/developments.ts";
import { realFolderPath } from "./development/node-real-path.ts";
import { Discoveries } from "./discovery/discoveries.ts";
import { EventBus } from "./events/event-bus.ts";
import { EventSink } from "./host-event.ts";
import type { HostOptions } from "./host-options.ts";
import { Graphs } from "./graph/graphs.ts";
import { CodeProof } from "./install/code-proof.ts";
import { Installer } from "./install/installer.ts";
import { Uninstaller } from "./install/uninstaller.ts";
import { KeyRing } from "./install/key-ring.ts";
import type { PackageFolder } from "./install/node-package-folder.ts";
import { JournalRetention } from "./journal-retention.ts";
import { Journal } from "./journal.ts";
import { Activation } from "./lifecycle/activation.ts";
import { CrashWatch } from "./lifecycle/crash-watch.ts";
import { PluginTable } from "./lifecycle/plugin-table.ts";
import type { StoredPlugin } from "./lifecycle/stored-plugin.ts";
import { Switches } from "./lifecycle/switches.ts";
import { completePolicy, keepPolicies } from "./policy.ts";
import { GrantChanges } from "./rights/grant-changes.ts";
import { Grants } from "./rights/grants.ts";
import { PermissionRequests } from "./rights/permission-requests.ts";
import { Rights } from "./rights/rights.ts";
import { Scheduler } from "./schedules/scheduler.ts";
import { SchemaThread } from "./schema/node-schema-thread.ts";
import { ValueCheck } from "./schema/value-check.ts";
import { completeAlerts } from "./statistics/alert-rule.ts";
import { Alerts } from "./statistics/alerts.ts";
import { Statistics } from "./statistics/statistics.ts";

/** What a host finds in its database when it opens. */
export interface StoredState {
  readonly plugins: readonly StoredPlugin[];
  readonly grants: readonly Row[];
  readonly subscriptions: readonly Row[];
}

/** What a host is made of, each made once and handed what it needs. */
export interface HostParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly changes: ChangeQueue;
  readonly journal: Journal;
  readonly retention: JournalRetention;
  readonly schemas: SchemaThread;
  readonly supervisor: Supervisor;
  readonly broker: Broker;
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly grantChanges: GrantChanges;
  readonly requests: PermissionRequests;
  readonly keys: KeyRing;
  readonly statistics: Statistics;
  readonly alerts: Alerts;
  readonly vault: Vault;
  readonly settings: Settings;
  readonly installer: Installer;
  readonly uninstaller: Uninstaller;
  readonly developments: Developments;
  readonly discoveries: Discoveries;
  readonly graphs: Graphs;
  readonly switches: Switches;
  readonly counts: HourlyCounts;
  readonly bus: EventBus;
  readonly scheduler: Scheduler;
  readonly activation: Activation;
  readonly calls: Calls;
}

/** Makes the parts of a host and takes up what is stored. */
export function assembleParts<Caller>(
  options: HostOptions<Caller>,
  store: Store,
  packages: PackageFolder,
  stored: StoredState,
): HostParts {
  const { dataDir, engines, spares = 1, idleMs = 60_000, walls, askPermission, now = () => new Date() } = options;
  const policy = completePolicy(options.policy ?? {});
  // A policy does not change while the host is open.
  const policyOf = keepPolicies(policy);
  const events = new EventSink((event) => {
    if (event.kind === "state") {
      bus.wake();
      scheduler.notePlugins();
    }
    options.onEvent?.(event);
  }, now);
  const onFault = (error: unknown): void => events.emit({ kind: "fault", what: "journal", error: reportOf(error) });
  const changes = new ChangeQueue();
  const setAlarm = options.setAlarm ?? makeTimerAlarm(now);
  const { journalDays, decisionDays } = policy;
  const journal = new Journal(store, now, onFault, journalDays);
  const retention = new JournalRetention({ store, now, setAlarm, onFault, journalDays, decisionDays });
  const schemas = new SchemaThread();
  const values = new ValueCheck(schemas);
  const crashes = new CrashWatch(now);
  const grants = new Grants({ store, now, onFault, policyFor: policyOf });
  const requests = new PermissionRequests(store, now);
  const folders = new Map(
    (options.developmentFolders ?? []).map((folder) => [realFolderPath(folder.path), folder] as const),
  );
  const developmentFolders = new Set(folders.keys());
  const plugins = new PluginTable({ policyFor: policyOf, engines, events, developmentFolders });
  const base = {
    store,
    packages,
    engines,
    crashes,
    events,
    now,
    policy,
    policyFor: policyOf,
    plugins,
    grants,
    requests,
  };
  const grantChanges = new GrantChanges({
    ...base,
    takeBack: (pluginId, isMeant): readonly Permission[] => rights.takeBack(pluginId, isMeant),
    onTakenBack: () => broker.reconsider(),
  });
  const rights = new Rights({
    ...base,
    journal,
    ask: policy.isUnattended ? undefined : askPermission,
    grantAlways: (pluginId: string, permission: Permission) =>
      changes.run(() => grantChanges.grant(pluginId, permission, undefined)),
  });
  const alerts = new Alerts({
    rules: completeAlerts(options.alerts ?? []),
    now,
    setAlarm,
    onAlert: (pluginId, rule, value) => events.emit({ kind: "alert", pluginId, rule, value }),
    onOver: (pluginId, rule) => events.emit({ kind: "alert-over", pluginId, rule }),
  });
  const statistics = new Statistics(store, now, options.statisticsDays ?? 90, (error) =>
    events.emit({ kind: "fault", what: "statistics", error: reportOf(error) }),
  );
  const vault = new Vault({
    store,
    now,
    keys: new VaultKeyFiles(dataDir, options.operatorKeyFile),
    domainOf: (pluginId) => trustDomainOf(plugins.find(pluginId)?.facts?.registry, policy.repository),
  });
  const settings = new Settings({ vault, plugins, values, events, now, bus: () => bus });
  const privateHosts = new Set(policy.privateHosts);
  const dailyBytes = new DailyBytes(store, now);
  const counts = new HourlyCounts(store, now, onFault);
  const keptElsewhere =
    options.operatorKeyFile === undefined ? [] : [options.operatorKeyFile, `${options.operatorKeyFile}.next`];
  const broker = new Broker(
    [
      makeStorageService(store, policy.storageBytes, new AreaLabels(store)),
      makeConfigService(settings),
      makeSecretsService(rights, vault),
      makeNetworkService({ rights, dailyBytes, vault, privateHosts }),
      makeFilesService({ rights, store, forbidden: [dataDir, ...keptElsewhere] }),
      makeExecService({
        rights,
        plugins,
        kept: [dataDir, ...keptElsewhere],
        environment: options.environment ?? process.env,
        wallFor: () => programWall({ ...walls, programFolders: policy.programFolders }),
      }),
      makePermissionsService(rights),
      makeEventsService({ rights, plugins, counts, values, bus: () => bus }),
      makeSchedulesService({ store, plugins, counts, scheduler: () => scheduler }),
      makeUserDataService({
        rights,
        plugins,
        provider: options.userData,
        onFault: (error) => events.emit({ kind: "fault", what: "user-data", error }),
      }),
      makePluginsService({ rights, plugins, counts, call: (...call) => calls.call(...call) }),
    ],
    journal,
    alerts,
    new KeyedEffects(store, now),
    options.userData?.takesLabelled === true,
  );
  const keys = new KeyRing(store, now);
  const supervisor = new Supervisor({
    spares,
    idleMs,
    ...(walls !== undefined && { walls }),
    onLoss: (loss) => compartments.noteLoss(loss),
    onSuspect: (pluginId) => void (isTrial(pluginId) || events.emit({ kind: "suspect", pluginId })),
    onHibernate: (compartment) => compartments.noteHibernation(compartment),
  });
  const shared = { ...base, supervisor, broker, rights, keys, schemas, values, journal, statistics, alerts };
  const switches = new Switches(shared);
  const quarantine = (pluginId: string): void => {
    alerts.note(pluginId, { crashes: 1 });
    if (!crashes.note(pluginId)) return;
    const reason = "its process crashed three times within five minutes, with no other plugin in it";
    changes
      .run(() => switches.quarantine(pluginId, reason))
      .catch((error: unknown) => events.emit({ kind: "fault", what: "quarantine", error: reportOf(error) }));
  };
  const compartments = new Compartments({
    ...shared,
    log: options,
    onCrash: quarantine,
    onCrashAtWork: (pluginId) => alerts.note(pluginId, { losses: 1 }),
    onLoss: (pluginId, reason) => statistics.noteLoss(pluginId, reason),
    onMemory: (pluginId, bytes) => statistics.noteMemory(pluginId, bytes),
  });
  const installer = new Installer({
    ...shared,
    proof: new CodeProof({ compartments, engines }),
    deploymentKeys: options.deploymentKeys ?? (() => Promise.resolve([])),
  });
  const calls = new Calls({ ...shared, compartments, keyedCalls: new KeyedCalls(store, now) });
  const driven = {
    ...shared,
    setAlarm,
    call: (...call: Parameters<Calls["call"]>) => calls.call(...call),
  };
  const bus = new EventBus({ ...driven, appEvents: options.events ?? {} });
  const scheduler = new Scheduler({
    ...driven,
    onFault: (error) => events.emit({ kind: "fault", what: "schedule", error: reportOf(error) }),
  });
  const developments = new Developments({ ...shared, folders, installer, changes });
  grants.restore(stored.grants);
  for (const plugin of stored.plugins) plugins.restore(plugin);
  const rechecks = stored.plugins.flatMap(({ recheck }) => recheck ?? []);
  // Before any other change, and not waited for: what is not written is checked again at the next start.
  if (rechecks.length > 0)
    changes
      .run(() => store.transaction(rechecks))
      .catch((error: unknown) => events.emit({ kind: "fault", what: "cleanup", error: reportOf(error) }));
  bus.restore(stored.subscriptions);
  scheduler.notePlugins();
  retention.begin();
  return {
    ...shared,
    retention,
    bus,
    scheduler,
    vault,
    settings,
    changes,
    grantChanges,
    switches,
    activation: new Activation({ ...shared, compartments }),
    installer,
    developments,
    discoveries: new Discoveries({ ...shared, developments, pluginFolders: options.pluginFolders ?? [] }),
    uninstaller: new Uninstaller({ ...shared, settings }),
    graphs: new Graphs({ ...shared, dataDir, installer }),
    counts,
    calls,
  };
}
