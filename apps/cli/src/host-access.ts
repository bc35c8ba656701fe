import type {
  GraphConsent,
  GraphMember,
  GraphPlan,
  GraphRequest,
  Host,
  KeyedCallOptions,
  NewRegistry,
  PluginSummary,
  PublisherBinding,
  RegistryRecord,
} from "@berth/host";

import { runHere } from "./action-run.ts";
import type { ActionNews } from "./action-run.ts";

/** A plan as it can be shown: without packages, which stay where the plan was made. */
export interface ShownPlan extends Pick<GraphPlan, "newlyAsked" | "origins"> {
  readonly members: readonly Omit<GraphMember, "packageBytes">[];
}

/** A plan that waits for consent. */
export interface PendingInstall {
  readonly plan: ShownPlan;
  install(consent: GraphConsent): Promise<readonly PluginSummary[]>;
}

/**
 * The host of the data directory as commands use it: opened here for one command, or running in another
 * process and spoken to over loopback.
 */
export interface HostAccess extends Pick<
  Host<string>,
  | "list"
  | "discover"
  | "graph"
  | "lock"
  | "journal"
  | "statistics"
  | "usage"
  | "running"
  | "processes"
  | "trustedKeys"
  | "trustKey"
  | "enable"
  | "disable"
  | "previewUninstall"
  | "uninstallAll"
  | "exportData"
  | "grants"
  | "policyGrants"
  | "grant"
  | "revoke"
  | "declaredPermissions"
  | "permissionRequests"
  | "dismissRequests"
  | "suggestPermissions"
  | "secrets"
  | "setSecret"
  | "removeSecret"
  | "rotateSecrets"
  | "config"
  | "setConfig"
  | "schedules"
  | "load"
  | "unload"
> {
  /** Whether another process runs the host. */
  readonly isRemote: boolean;
  /** Runs an action: one answer, or items as they are taken. `input`: JSON. */
  run(id: string, action: string, input: Uint8Array, options: KeyedCallOptions<string>): AsyncIterable<ActionNews>;
  planGraph(request: GraphRequest): Promise<PendingInstall>;
  readonly registries: {
    list(): Promise<readonly RegistryRecord[]>;
    add(registry: NewRegistry): Promise<RegistryRecord>;
    remove(nameOrUrl: string): Promise<RegistryRecord>;
    bindings(): Promise<readonly PublisherBinding[]>;
    bind(publisher: string, nameOrUrl: string): Promise<PublisherBinding>;
  };
}

/** The host that this process opened. */
export function localAccess(host: Host<string>): HostAccess {
  return {
    isRemote: false,
    list: () => host.list(),
    discover: (request) => host.discover(request),
    graph: () => host.graph(),
    lock: () => host.lock(),
    journal: (query) => host.journal(query),
    trustedKeys: () => host.trustedKeys(),
    trustKey: (publisher, key) => host.trustKey(publisher, key),
    statistics: (query) => host.statistics(query),
    usage: (query) => host.usage(query),
    running: (query) => host.running(query),
    processes: (query) => host.processes(query),
    run: (...call) => runHere(host, ...call),
    enable: (id) => host.enable(id),
    disable: (id) => host.disable(id),
    previewUninstall: (id) => host.previewUninstall(id),
    uninstallAll: (ids) => host.uninstallAll(ids),
    exportData: (id) => host.exportData(id),
    grants: (id) => host.grants(id),
    policyGrants: (id) => host.policyGrants(id),
    grant: (...granted) => host.grant(...granted),
    revoke: (id, what) => host.revoke(id, what),
    declaredPermissions: (id) => host.declaredPermissions(id),
    permissionRequests: () => host.permissionRequests(),
    dismissRequests: (id, permission) => host.dismissRequests(id, permission),
    suggestPermissions: (id) => host.suggestPermissions(id),
    secrets: (id) => host.secrets(id),
    setSecret: (id, secret, value) => host.setSecret(id, secret, value),
    removeSecret: (id, secret) => host.removeSecret(id, secret),
    rotateSecrets: (options) => host.rotateSecrets(options),
    config: (id) => host.config(id),
    setConfig: (id, value) => host.setConfig(id, value),
    schedules: (id) => host.schedules(id),
    load: (id) => host.load(id),
    unload: (id) => host.unload(id),
    registries: host.registries,
    async planGraph(request) {
      const plan = await host.planGraph(request);
      return { plan, install: (consent) => host.installGraph(plan, consent) };
    },
  };
}
