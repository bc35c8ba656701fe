import { quote } from "@berth/base";
import type { Lockfile } from "@berth/resolver";
import { permissionOf } from "@berth/spec";
import type { ActionDeclaration, Permission, PermissionName } from "@berth/spec";
import type { Statement } from "@berth/store";
import type { PublicKeyRecord, TrustedKey } from "@berth/trust";

import { SETTINGS } from "./broker/config.ts";
import type { SecretSummary, SecretsRotation } from "./broker/vault.ts";
import { isTrial } from "./call/compartments.ts";
import type { RunningPlugin, RunningProcess } from "./call/running-plugin.ts";
import { scopeOf } from "./call/call-options.ts";
import type { KeyedCallOptions } from "./call/call-options.ts";
import type { Developments } from "./development/developments.ts";
import type { Discovery, DiscoveryRequest } from "./discovery/discovered-plugin.ts";
import { HostError } from "./errors.ts";
import { HostEvents } from "./events/host-events.ts";
import type { HostOptions } from "./host-options.ts";
import type { GraphConsent, GraphPlan, GraphRequest } from "./graph/graph-plan.ts";
import type { InstalledNode } from "./graph/installed-graph.ts";
import { lockOf } from "./graph/lock-of.ts";
import type { HostParts } from "./host-parts.ts";
import type { UninstallPreview, UninstallReceipt } from "./install/erasure.ts";
import type { Consent } from "./install/consent.ts";
import type { Plan } from "./install/plan.ts";
import { journalStatement } from "./journal.ts";
import type { JournalEntry, JournalQuery } from "./journal.ts";
import { summaryOf } from "./lifecycle/plugin-summary.ts";
import type { PluginSummary } from "./lifecycle/plugin-summary.ts";
import type { Switches } from "./lifecycle/switches.ts";
import { tryParseStored } from "./rights/grants.ts";
import type { Grant, PolicyGrant } from "./rights/grants.ts";
import type { RegistryBook } from "./registry/registry-book.ts";
import type { PendingRequest } from "./rights/permission-requests.ts";
import type { Schedule } from "./schedules/schedule-rows.ts";
import { suggestPermissions } from "./rights/suggest.ts";
import type { PermissionSuggestion } from "./rights/suggest.ts";
import { pluginUse } from "./statistics/plugin-use.ts";
import type { PluginUse } from "./statistics/plugin-use.ts";
import type { StatisticsQuery } from "./statistics/period.ts";
import type { ActionStatistics } from "./statistics/statistics.ts";

/** Installs plugins and runs them. Made by `openHost`; close it to let go of the data directory. */
export class Host<Caller = undefined> {
  readonly #options: HostOptions<Caller>;
  readonly #parts: HostParts;
  #isClosed = false;
  #events: HostEvents<Caller> | undefined;

  /** Use `openHost`. */
  constructor(options: HostOptions<Caller>, parts: HostParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Verifies a package and tells what installing it would mean. Changes nothing.
   *
   * @throws ArchiveError, SpecError, TrustError, HostError (see `makePlan`), HOST_ALREADY_INSTALLED,
   *   HOST_SCHEMA_UNUSABLE
   */
  async plan(packageBytes: Uint8Array): Promise<Plan> {
    this.#refuseWhenClosed();
    return this.#parts.installer.plan(packageBytes);
  }

  /**
   * Installs what a plan describes: package file, grants, pinned key and journal, in one step that is
   * done or undone, whenever the process is killed. Replaces another release of the same plugin; grants
   * that still cover what the new release asks for stay.
   *
   * Before that, and after consent was looked at, the code is loaded once as for a first call, without any right:
   * what cannot be loaded is not installed.
   *
   * @throws HostError HOST_CONSENT_MISSING, HOST_DOWNGRADE_UNCONSENTED, HOST_KEY_UNTRUSTED, HOST_PLAN_STALE,
   *   HOST_CODE_UNLOADABLE, HOST_DATA_DIR_UNUSABLE; SandboxError when the machine cannot load it now; StoreError
   */
  async install(plan: Plan, consent: Consent): Promise<PluginSummary> {
    this.#refuseWhenClosed();
    const { installer, changes } = this.#parts;
    const items = [{ plan, consent, registry: undefined, askedRange: "*" }];
    await installer.prove(items);
    this.#refuseWhenClosed();
    return changes.run(async () => {
      await installer.install(items);
      return this.#summaryOf(plan.manifest.id);
    });
  }

  /**
   * Finds plugins by id and range in the registries, with everything they depend on, or takes packages at
   * hand; downloads, verifies and scans what is not installed yet. Changes nothing that is installed.
   *
   * @throws ResolveError RESOLVE_NO_SOLUTION with the explanation and, where there is one, a fix that was
   *   tried; RESOLVE_CYCLE; ClientError; HostError HOST_NO_REGISTRY, HOST_INDEX_DIFFERS, HOST_SCAN_REFUSED,
   *   HOST_GRAPH_TOO_LARGE, HOST_LOCK_DIFFERS, HOST_ALREADY_INSTALLED, and what `plan` throws
   */
  async planGraph(request: GraphRequest): Promise<GraphPlan> {
    this.#refuseWhenClosed();
    return this.#parts.graphs.plan(request);
  }

  /**
   * Installs everything that a plan of `planGraph` describes, in one step that is done or undone, whenever
   * the process is killed.
   *
   * @throws HostError HOST_PLAN_STALE when anything was installed or removed since, HOST_SCAN_UNCONFIRMED,
   *   and what `install` throws
   */
  async installGraph(plan: GraphPlan, consent: GraphConsent): Promise<PluginSummary[]> {
    this.#refuseWhenClosed();
    const { changes, graphs } = this.#parts;
    await graphs.prove(plan, consent);
    this.#refuseWhenClosed();
    return changes.run(async () => (await graphs.install(plan, consent)).map((id) => this.#summaryOf(id)));
  }

  /** What is installed and who needs whom, by id. */
  async graph(): Promise<InstalledNode[]> {
    this.#refuseWhenClosed();
    return this.#parts.graphs.installed();
  }

  /**
   * What a lockfile for the installed plugins holds; `formatLockfile` of the resolver writes it.
   *
   * @throws HostError HOST_NOT_LOCKABLE
   */
  async lock(): Promise<Lockfile> {
    return lockOf(await this.graph());
  }

  /** The registries that this host asks, and which publisher belongs to which. */
  get registries(): RegistryBook {
    this.#refuseWhenClosed();
    return this.#parts.graphs.registries;
  }

  /** The folders that this host was opened with as `developmentFolders`, and what consent to them would mean. */
  get developments(): Pick<Developments, "list" | "plan"> {
    this.#refuseWhenClosed();
    return this.#parts.developments;
  }

  /**
   * Lists the packages and development folders that lie in folders, `HostOptions.pluginFolders` where none are named:
   * who vouches for each, whether it is installed, and why it would be refused. Only what lies directly in a folder
   * counts, and a folder that is itself a plugin's; hidden names are passed over and links not followed. What is
   * broken is told and hides nothing else. Nothing is written, trusted, installed, built or run, and no secret of a
   * deployment is asked for: what it alone vouches for is listed as `unchecked-deployment`. A package is read whole, up to 64 MiB, in a thread of its own, within 20 s for one and 30 s for a folder.
   *
   * @throws HostError HOST_CLOSED; the signal's reason
   */
  async discover(request: DiscoveryRequest = {}): Promise<Discovery> {
    this.#refuseWhenClosed();
    return this.#parts.discoveries.discover(request);
  }

  /**
   * Runs an action on a value of up to 1 MiB.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_ACTION_UNKNOWN, HOST_INPUT_INVALID, HOST_OUTPUT_INVALID,
   *   HOST_VALUE_TOO_LARGE, HOST_PARTITION_INVALID, HOST_PACKAGE_DAMAGED; with a key BROKER_KEY_REUSED,
   *   BROKER_KEY_UNCERTAIN, BROKER_QUOTA_EXCEEDED; SandboxError; WireError WIRE_VALUE_NOT_JSON
   */
  async call(
    pluginId: string,
    action: string,
    input: unknown,
    options: KeyedCallOptions<Caller> = {},
  ): Promise<unknown> {
    this.#refuseWhenClosed();
    return this.#parts.calls.call(pluginId, action, input, scopeOf(options, this.#options));
  }

  /**
   * Runs an action on JSON text in UTF-8 of up to 64 MiB; the answer is JSON text too. Parsing and
   * checking happen in a worker thread, so that large values never stall the embedding program. With a key, input and
   * answer have at most 1 MiB, and calls with it are one call if they bring the same bytes.
   *
   * @throws as `call`, HOST_VALUE_TOO_LARGE only with a key; WireError WIRE_VALUE_TOO_LARGE
   */
  async callBytes(
    pluginId: string,
    action: string,
    json: Uint8Array,
    options: KeyedCallOptions<Caller> = {},
  ): Promise<Uint8Array> {
    this.#refuseWhenClosed();
    return this.#parts.calls.callBytes(pluginId, action, json, scopeOf(options, this.#options));
  }

  /**
   * Runs an action that streams, on a value of up to 1 MiB. The plugin is asked for items as they are taken: at most 16
   * of them, or 1 MiB, wait here; each has at most 1 MiB and is checked when it comes. Nothing begins before the
   * first is asked for. Whoever leaves early ends the call: its generator runs its `finally`. It counts as one call,
   * and is not repeated when a neighbour's crash ends it.
   *
   * @throws as `call`, from the iterator; HostError HOST_STREAM_MISMATCH, BROKER_REQUEST_INVALID when a key is given
   */
  stream(
    pluginId: string,
    action: string,
    input: unknown,
    options: KeyedCallOptions<Caller> = {},
  ): AsyncIterableIterator<unknown, undefined, undefined> & AsyncDisposable {
    this.#refuseWhenClosed();
    return this.#parts.calls.stream(pluginId, action, input, scopeOf(options, this.#options));
  }

  /**
   * What an installed plugin's manifest declares as its actions.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async actions(pluginId: string): Promise<Readonly<Record<string, ActionDeclaration>>> {
    this.#refuseWhenClosed();
    return this.#parts.plugins.get(pluginId).facts.manifest?.contributes.actions ?? {};
  }

  /** Installed plugins, by id. */
  async list(): Promise<PluginSummary[]> {
    this.#refuseWhenClosed();
    return this.#parts.plugins.stored().map(({ id }) => this.#summaryOf(id));
  }

  /**
   * Switches a plugin on: one that was disabled, failed, or is in quarantine. Nothing is started before its
   * first call.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN; what keeps it from running here
   */
  enable(pluginId: string): Promise<PluginSummary> {
    return this.#switched(pluginId, (switches) => switches.enable(pluginId));
  }

  /**
   * Switches a plugin off: its calls under way fail with SANDBOX_CLOSED. Grants and data stay.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_TRANSITION_ILLEGAL when it is in quarantine
   */
  disable(pluginId: string): Promise<PluginSummary> {
    return this.#switched(pluginId, (switches) => switches.disable(pluginId));
  }

  /**
   * Starts a plugin ahead of its first call: resolves when its code is loaded. Fails whole: nothing of a plugin
   * that could not be loaded stays behind, and its next call tries again. It has its wall time for it.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_PLUGIN_NOT_ENABLED, HOST_PACKAGE_DAMAGED, HOST_DEPENDENCY_UNMET;
   *   SandboxError SANDBOX_LOAD_FAILED, SANDBOX_DEADLINE, SANDBOX_CPU, SANDBOX_MEMORY, SANDBOX_CRASHED,
   *   SANDBOX_START_FAILED, SANDBOX_CLOSED
   */
  async load(pluginId: string): Promise<void> {
    this.#refuseWhenClosed();
    await this.#parts.activation.load(pluginId);
  }

  /**
   * Ends a plugin's running instances without switching it off; its next call starts afresh. Calls under way
   * fail with SANDBOX_CLOSED.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  unload(pluginId: string): Promise<void> {
    this.#refuseWhenClosed();
    return this.#parts.changes.run(() => this.#parts.switches.unload(pluginId));
  }

  /**
   * What uninstalling would erase.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async previewUninstall(pluginId: string): Promise<UninstallPreview> {
    this.#refuseWhenClosed();
    return this.#parts.uninstaller.preview(pluginId);
  }

  /**
   * Everything that a plugin stored, its settings and its schedules, as text in JSON Lines, page by page; see the guide.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN; HOST_VAULT_CLOSED when it has settings that do not open
   */
  exportData(pluginId: string): AsyncGenerator<string> {
    this.#refuseWhenClosed();
    return this.#parts.uninstaller.exportData(pluginId);
  }

  /**
   * Removes a plugin with its grants and its stored data, and tells what was erased. The journal stays.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN; HOST_PLUGIN_NEEDED when another plugin depends on it
   */
  uninstall(pluginId: string): Promise<UninstallReceipt> {
    return this.uninstallAll([pluginId]).then(([receipt]) => receipt as UninstallReceipt);
  }

  /**
   * Like `uninstall`, for several plugins: all of them in one step, or none.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_PLUGIN_NEEDED
   */
  uninstallAll(pluginIds: readonly string[]): Promise<UninstallReceipt[]> {
    this.#refuseWhenClosed();
    return this.#parts.changes.run(() => this.#parts.uninstaller.uninstall(pluginIds));
  }

  /**
   * Grants a permission, or as much of it as is named, to an installed plugin. It holds from the next request
   * of the plugin's on, and until `expiresAt` (an ISO instant) if given.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_GRANT_REFUSED
   */
  grant(pluginId: string, permission: Permission, options: { readonly expiresAt?: string } = {}): Promise<void> {
    this.#refuseWhenClosed();
    const { changes, grantChanges } = this.#parts;
    return changes.run(() => grantChanges.grant(pluginId, permission, options.expiresAt));
  }

  /**
   * Takes back every grant of a permission's name, or every grant that covers or is covered by a permission, and
   * what a person allowed for the session. What was allowed for calls under way ends with any revocation.
   * Calls under way lose the right at their next request. Answers with what was taken back.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  revoke(pluginId: string, what: Permission | PermissionName): Promise<Permission[]> {
    this.#refuseWhenClosed();
    const { changes, grantChanges } = this.#parts;
    return changes.run(() => grantChanges.revoke(pluginId, what));
  }

  /**
   * What persons granted to a plugin, and when each was last used.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async grants(pluginId: string): Promise<readonly Grant[]> {
    this.#refuseWhenClosed();
    this.#parts.plugins.get(pluginId);
    await this.#parts.grants.flush();
    return this.#parts.grants.of(pluginId);
  }

  /**
   * What the operator's policy grants a plugin of the permissions that its manifest asks for, beside `grants`, and when
   * each was last used.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async policyGrants(pluginId: string): Promise<readonly PolicyGrant[]> {
    this.#refuseWhenClosed();
    const { permissions = [] } = this.#parts.plugins.get(pluginId).facts.manifest ?? {};
    return this.#parts.grants.byPolicy(
      pluginId,
      permissions.map(({ name }) => name),
    );
  }

  /**
   * Fills in a secret that a plugin's manifest names. Nobody can read it back from here.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_SECRET_INVALID, HOST_VAULT_CLOSED
   */
  setSecret(pluginId: string, name: string, value: string): Promise<SecretSummary> {
    this.#refuseWhenClosed();
    const { changes, plugins, vault } = this.#parts;
    return changes.run(async () => {
      if (plugins.get(pluginId).facts.manifest?.secrets.includes(name) !== true)
        throw new HostError("HOST_SECRET_INVALID", `the manifest of ${pluginId} names no secret ${quote(name)}`);
      return vault.set(pluginId, name, value, [this.#secretRecord(pluginId, name, "set")]);
    });
  }

  /**
   * Erases a secret, also one that the manifest names no longer; answers whether there was one.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_SECRET_INVALID
   */
  removeSecret(pluginId: string, name: string): Promise<boolean> {
    this.#refuseWhenClosed();
    const { changes, plugins, vault } = this.#parts;
    return changes.run(async () => {
      plugins.get(pluginId);
      if (name === SETTINGS) throw new HostError("HOST_SECRET_INVALID", `${quote(name)} is no secret`);
      return vault.remove(pluginId, name, [this.#secretRecord(pluginId, name, "erased")]);
    });
  }

  /**
   * Seals every secret and all settings anew with a new key. `operatorKey`: the text of an age identity that wraps it
   * from now on, and takes the place of the one in the operator's key file; left out, that one stays. Calls that ask for
   * a secret wait meanwhile. Killed at any moment, it has happened or it has not.
   *
   * @throws HostError HOST_OPERATOR_KEY_INVALID, HOST_VAULT_CLOSED; StoreError
   */
  rotateSecrets({ operatorKey }: { readonly operatorKey?: string } = {}): Promise<SecretsRotation> {
    this.#refuseWhenClosed();
    return this.#parts.changes.run(() => this.#parts.vault.rotate(operatorKey));
  }

  /** Secrets of a plugin that are filled in, without their values. */
  async secrets(pluginId: string): Promise<SecretSummary[]> {
    this.#refuseWhenClosed();
    const names = new Set(this.#parts.plugins.get(pluginId).facts.manifest?.secrets);
    return (await this.#parts.vault.list(pluginId)).filter(({ name }) => names.has(name));
  }

  /**
   * Sets what the operator decides for a plugin, within the schema of its manifest. The plugin sees it at its next look.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_SETTINGS_INVALID, HOST_VAULT_CLOSED
   */
  setConfig(pluginId: string, value: unknown): Promise<void> {
    this.#refuseWhenClosed();
    return this.#parts.changes.run(() => this.#parts.settings.set(pluginId, value));
  }

  /** The settings that a plugin sees: what was set over the defaults of its schema. */
  async config(pluginId: string): Promise<unknown> {
    this.#refuseWhenClosed();
    return this.#parts.settings.get(pluginId);
  }

  /**
   * What an installed plugin's manifest asks for, granted or not.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async declaredPermissions(pluginId: string): Promise<Permission[]> {
    this.#refuseWhenClosed();
    return (this.#parts.plugins.get(pluginId).facts.manifest?.permissions ?? []).map(permissionOf);
  }

  /** Permissions that plugins needed while nobody was there to ask, oldest first. */
  permissionRequests(): Promise<PendingRequest[]> {
    this.#refuseWhenClosed();
    return this.#parts.requests.list();
  }

  /**
   * Answers what a plugin requested under a permission's name with no: the same is not told of again until it was
   * granted and taken back. Answers whether anything waited. To agree, `grant`.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  dismissRequests(pluginId: string, name: PermissionName): Promise<boolean> {
    this.#refuseWhenClosed();
    const { changes, plugins, requests } = this.#parts;
    return changes.run(() => {
      plugins.get(pluginId);
      return requests.dismiss(pluginId, name);
    });
  }

  /**
   * The narrowest permissions under which everything that the journal saw of a plugin would have worked.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async suggestPermissions(pluginId: string): Promise<PermissionSuggestion> {
    this.#refuseWhenClosed();
    const declared = this.#parts.plugins.get(pluginId).facts.manifest?.permissions ?? [];
    const { uses, isComplete } = await this.#parts.journal.usesOf(pluginId);
    const read = uses.map(tryParseStored);
    const known = read.filter((use) => use !== undefined);
    // What a manifest could not ask for by name, such as a file whose name has a line break.
    return suggestPermissions(declared, known, isComplete && known.length === read.length);
  }

  /** Events between plugins and this program. */
  get events(): HostEvents<Caller> {
    this.#refuseWhenClosed();
    const { bus, store } = this.#parts;
    return (this.#events ??= new HostEvents<Caller>(bus, store, (caller) => scopeOf(caller, this.#options)));
  }

  /** When actions run by themselves: what manifests declare and what plugins set. */
  schedules(pluginId?: string): Promise<Schedule[]> {
    this.#refuseWhenClosed();
    return this.#parts.scheduler.list(pluginId);
  }

  /** What was installed, granted, called and denied; newest first. */
  journal(query: JournalQuery = {}): Promise<JournalEntry[]> {
    this.#refuseWhenClosed();
    return this.#parts.journal.read(query);
  }

  /** Calls by plugin and action: how many, how they ended, how long they took, and their CPU time. */
  statistics(query: StatisticsQuery = {}): Promise<ActionStatistics[]> {
    this.#refuseWhenClosed();
    return this.#parts.statistics.query(query);
  }

  /**
   * What runs now, by plugin; what hibernates is not among it.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async running({ pluginId }: { readonly pluginId?: string } = {}): Promise<RunningPlugin[]> {
    this.#refuseWhenClosed();
    const { supervisor, plugins } = this.#parts;
    if (pluginId !== undefined) plugins.get(pluginId);
    return supervisor
      .running()
      .filter(({ plugin }) => (pluginId === undefined ? !isTrial(plugin) : plugin === pluginId))
      .map((each) => ({ ...each, losses: plugins.find(each.plugin)?.losses ?? 0 }))
      .toSorted((a, b) => (a.plugin < b.plugin ? -1 : 1));
  }

  /**
   * The processes that hold plugins now, or those that hold one plugin; what waits for a plugin is not among them.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  async processes({ pluginId }: { readonly pluginId?: string } = {}): Promise<RunningProcess[]> {
    this.#refuseWhenClosed();
    const { supervisor, plugins } = this.#parts;
    if (pluginId !== undefined) plugins.get(pluginId);
    return supervisor
      .processes()
      .map((each) => ({ ...each, plugins: each.plugins.filter((plugin) => !isTrial(plugin)) }))
      .filter((each) => (pluginId === undefined ? each.plugins.length > 0 : each.plugins.includes(pluginId)));
  }

  /**
   * Installed plugins by id: calls, CPU time, denials, losses, what they store, when they were last used, and the most
   * memory that a process took which held only them.
   */
  async usage(query: StatisticsQuery = {}): Promise<PluginUse[]> {
    this.#refuseWhenClosed();
    const { plugins, journal, statistics, store } = this.#parts;
    const ids = query.pluginId === undefined ? plugins.stored().map(({ id }) => id) : [plugins.get(query.pluginId).id];
    await journal.flush();
    const counted = {
      actions: await statistics.query(query),
      peaks: await statistics.peaks(query),
      losses: await statistics.losses(query),
    };
    return pluginUse(store, ids, counted, query);
  }

  /** Keys that this host trusts, and for which publisher. */
  trustedKeys(): Promise<TrustedKey[]> {
    this.#refuseWhenClosed();
    return this.#parts.keys.list();
  }

  /** Tells the host to trust a key for everything that a publisher signs. */
  async trustKey(publisher: string, key: PublicKeyRecord): Promise<void> {
    this.#refuseWhenClosed();
    await this.#parts.keys.trust(publisher, key);
  }

  /**
   * Ends every sandbox host, writes what is pending and lets go of the data directory. No new calls are taken;
   * those under way have `drainMs` milliseconds (default 0) to end by themselves, then they fail with
   * SANDBOX_CLOSED.
   *
   * @throws StoreError when the last uses could not be written; the directory is let go of all the same
   */
  async close({ drainMs = 0 }: { readonly drainMs?: number } = {}): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#parts.calls.drain(drainMs);
    this.#parts.calls.close();
    this.#parts.bus.close();
    this.#parts.scheduler.close();
    this.#parts.alerts.close();
    this.#parts.retention.close();
    this.#parts.supervisor.close();
    await this.#parts.broker.close();
    await this.#parts.discoveries.close();
    await this.#parts.developments.close();
    await this.#parts.changes.whenIdle();
    const { journal, grants, statistics, counts, schemas, graphs, store } = this.#parts;
    // What cannot be written any more must not keep the data directory locked.
    const written = await Promise.allSettled([journal.flush(), grants.flush(), statistics.flush(), counts.flush()]);
    for (const part of [schemas, graphs, store]) await part.close();
    const failed = written.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new HostError("HOST_CLOSED", "the host is closed");
  }

  #switched(pluginId: string, work: (switches: Switches) => Promise<void>): Promise<PluginSummary> {
    this.#refuseWhenClosed();
    return this.#parts.changes.run(async () => {
      await work(this.#parts.switches);
      return this.#summaryOf(pluginId);
    });
  }

  #secretRecord(pluginId: string, name: string, detail: string): Statement {
    const { plugins, now } = this.#parts;
    const version = plugins.find(pluginId)?.facts?.version;
    const entry = { kind: "secret", pluginId, version, subject: name, outcome: "ok", detail } as const;
    return journalStatement(entry, now().toISOString());
  }

  #summaryOf(pluginId: string): PluginSummary {
    return summaryOf(pluginId, this.#parts);
  }
}
