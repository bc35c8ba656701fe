import { quote, reportOf } from "@berth/base";
import { covers, formatPermission } from "@berth/spec";
import type { DialectSchema, Manifest, Permission } from "@berth/spec";
import type { EngineDescriptor, Supervisor } from "@berth/sandbox";
import type { Statement, Store } from "@berth/store";
import type { DeploymentKey, PublicKeyRecord, TrustedKey } from "@berth/trust";

import type { Broker } from "../broker/broker.ts";
import { HostError } from "../errors.ts";
import { verifyAllNeeds, verifyNobodyNeeds } from "../graph/unmet-needs.ts";
import type { EventSink } from "../host-event.ts";
import { journalStatement } from "../journal.ts";
import type { JournalRecord } from "../journal.ts";
import type { CrashWatch } from "../lifecycle/crash-watch.ts";
import type { PluginRecord, StoredFacts } from "../lifecycle/plugin-record.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { systemCodeOf } from "../node-data-dir.ts";
import type { PluginPolicy, Policy } from "../policy.ts";
import { replaceGrants } from "../rights/grants.ts";
import type { Grant, Grants } from "../rights/grants.ts";
import type { Rights } from "../rights/rights.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
import { verifySchedules } from "../schedules/cron-times.ts";
import type { Alerts } from "../statistics/alerts.ts";
import type { Statistics } from "../statistics/statistics.ts";
import { TABLES_OF_PLUGIN, exportData, previewErasure } from "./erasure.ts";
import type { UninstallPreview, UninstallReceipt } from "./erasure.ts";
import { trustStatement } from "./key-ring.ts";
import type { KeyRing } from "./key-ring.ts";
import type { PackageFolder } from "./node-package-folder.ts";
import { makePlan, openPackage } from "./plan.ts";
import type { OpenedPackage, Plan } from "./plan.ts";
import { verifyNoPublicKey } from "./signer.ts";

/** What a person or a policy agreed to. */
export interface Consent {
  /** Permissions granted; each must cover what the manifest asks. */
  readonly grant: readonly Permission[];
  /** The key to pin when the plan's signer is `first-use`. */
  readonly trustKey?: string;
  /** False: installed and left switched off. Default true; an update leaves the switch as it is. */
  readonly enable?: boolean;
  /** Whether the release may have a lower version than the installed one. Default false. */
  readonly allowDowngrade?: boolean;
}

/** One plan with the consent to it, and how the plugin came here. */
export interface InstallItem {
  readonly plan: Plan;
  readonly consent: Consent;
  /** Address of the registry; `undefined` for a file. */
  readonly registry: string | undefined;
  /** The range that somebody asked for; `undefined` for what others need. */
  readonly askedRange: string | undefined;
}

/** How a package came here, as far as it was asked for. */
export interface PackageOrigin {
  /** The release that was asked for. */
  readonly expected: { readonly id: string; readonly version: string };
  /** The registry it was downloaded from; `undefined` for a file. */
  readonly registry: { readonly repository: string | undefined } | undefined;
}

/** What an installer works on. All of it belongs to the host. */
export interface InstallerParts {
  readonly store: Store;
  readonly packages: PackageFolder;
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly keys: KeyRing;
  readonly schemas: SchemaThread;
  readonly broker: Broker;
  readonly crashes: CrashWatch;
  readonly events: EventSink;
  readonly rights: Rights;
  readonly statistics: Statistics;
  readonly alerts: Alerts;
  readonly policy: Policy;
  readonly policyFor: (pluginId: string) => PluginPolicy;
  readonly engines: readonly EngineDescriptor[];
  /** Secrets of the policy's repository. */
  readonly deploymentKeys: () => Promise<readonly DeploymentKey[]>;
  /** Tells what walls the machine has. */
  readonly supervisor: Supervisor;
  readonly now: () => Date;
}

/** Plans, installs and uninstalls. The host calls `install` and `uninstall` one after the other. */
export class Installer {
  readonly #parts: InstallerParts;

  constructor(parts: InstallerParts) {
    this.#parts = parts;
  }

  /** See `Host.plan`. */
  async plan(packageBytes: Uint8Array): Promise<Plan> {
    const plan = await this.planOpened(openPackage(packageBytes));
    const before = this.#parts.plugins.manifests();
    verifyAllNeeds(new Map([...before, [plan.manifest.id, plan.manifest]]), before);
    return plan;
  }

  /**
   * Plans one package.
   *
   * @throws as `Host.plan`, but for HOST_DEPENDENCY_UNMET; HostError HOST_INDEX_DIFFERS for another release
   */
  async planOpened(opened: OpenedPackage, origin?: PackageOrigin): Promise<Plan> {
    const { plugins, policy, policyFor, engines, keys, grants, schemas, supervisor, now } = this.#parts;
    const { id, version } = opened.unverifiedManifest;
    const expected = origin?.expected;
    if (expected !== undefined && (expected.id !== id || expected.version !== version)) {
      throw new HostError("HOST_INDEX_DIFFERS", `the file announced as this release holds ${id} ${version}`);
    }
    const installed = plugins.find(id)?.facts;
    const { engine, ...plan } = makePlan(opened, {
      policy: policyFor(id),
      trustOnFirstUse: policy.trustOnFirstUse,
      repository: origin?.registry === undefined ? policy.repository : origin.registry.repository,
      engines,
      trustedKeys: await keys.list(),
      deploymentKeys: opened.envelope === undefined ? await this.#deploymentKeys() : [],
      installed,
      grants: [...grants.permissionsOf(id), ...policyFor(id).grants],
      now: now(),
    });
    if (installed?.contentDigest === plan.contentDigest) {
      throw new HostError("HOST_ALREADY_INSTALLED", `${id} ${plan.manifest.version} is installed already`);
    }
    await schemas.compile(schemasOf(plan.manifest));
    verifySchedules(plan.manifest, now());
    const { missing } = await supervisor.wallFor(engine, plan.level);
    return { ...plan, reducedBy: missing.map(({ what, why, remedy }) => `no ${what}: ${why}. To mend it: ${remedy}`) };
  }

  /** @throws HostError HOST_DEPLOYMENT_KEY_MISFIT; what reading the keys throws */
  async #deploymentKeys(): Promise<readonly DeploymentKey[]> {
    const { repository } = this.#parts.policy;
    if (repository === undefined) return [];
    const keys = await this.#parts.deploymentKeys();
    const other = keys.find((key) => key.repository !== repository);
    if (other === undefined) return keys;
    throw new HostError(
      "HOST_DEPLOYMENT_KEY_MISFIT",
      `a deployment key is for ${quote(other.repository)}, the policy names ${quote(repository)}`,
    );
  }

  /**
   * Installs plans together: all of them and `also`, in one transaction, or nothing. See `Host.install` and
   * `Host.installGraph`.
   *
   * @throws HostError HOST_PLAN_STALE, HOST_DOWNGRADE_UNCONSENTED, HOST_CONSENT_MISSING, HOST_KEY_UNTRUSTED,
   *   HOST_DEPENDENCY_UNMET, HOST_DATA_DIR_UNUSABLE; StoreError
   */
  async install(items: readonly InstallItem[], also: readonly Statement[] = []): Promise<void> {
    const { keys, plugins } = this.#parts;
    const trusted = await keys.list();
    const changes = items.map((item) => this.#prepare(item, trusted));
    const state = plugins.manifests();
    verifyAllNeeds(new Map([...state, ...items.map(({ plan }) => [plan.manifest.id, plan.manifest] as const)]), state);
    const begun: BegunChange[] = [];
    try {
      for (const change of changes) begun.push(this.#begin(change));
      await this.#write(changes, also);
    } catch (error) {
      for (const { undo } of begun) undo();
      await this.#dropUnused(changes);
      throw error;
    }
    for (const { finish } of begun) finish();
    for (const { before, facts } of changes) {
      if (before !== undefined && before.fileDigest !== facts.fileDigest) await this.#removePackage(before.fileDigest);
    }
  }

  /** Compares consent and trust with what a plan needs. */
  #prepare({ plan, consent, registry, askedRange }: InstallItem, trusted: readonly TrustedKey[]): Change {
    const { manifest, signer } = plan;
    const { id } = manifest;
    const before = this.#parts.plugins.find(id)?.facts;
    if (before?.version !== plan.replaces || before?.contentDigest === plan.contentDigest) {
      throw new HostError("HOST_PLAN_STALE", `${id} changed since the plan was made`);
    }
    if (plan.isDowngrade && consent.allowDowngrade !== true) {
      throw new HostError(
        "HOST_DOWNGRADE_UNCONSENTED",
        `${id} ${manifest.version} would replace ${before?.version}, and nobody agreed to go back to a lower version`,
      );
    }
    const installedAt = this.#parts.now().toISOString();
    const granted = this.#chooseGrants(plan, consent, installedAt);
    const newKey = this.#keyToPin(plan, consent, trusted);
    const facts: StoredFacts = {
      manifest,
      version: manifest.version,
      contentDigest: plan.contentDigest,
      fileDigest: plan.fileDigest,
      keyId: signer.keyId,
      installedAt,
      state: before?.state ?? (consent.enable === false ? "installed" : "enabled"),
      registry,
      // What somebody asked for once stays asked for, also when it is replaced because others need it.
      askedRange: askedRange ?? before?.askedRange,
    };
    return { plan, facts, before, granted, newKey };
  }

  /** Compares who signed with whom the host trusts by now; gives the key that the install pins. */
  #keyToPin({ manifest, signer }: Plan, consent: Consent, trusted: readonly TrustedKey[]): PublicKeyRecord | undefined {
    const { publisher, keyId, fingerprint } = signer;
    if (signer.status === "deployment") {
      verifyNoPublicKey(publisher, trusted);
      if (signer.expires <= this.#parts.now().toISOString())
        throw new HostError(
          "HOST_PLAN_STALE",
          `what the deployment said of ${manifest.id} held until ${signer.expires}`,
        );
      return undefined;
    }
    if (trusted.some((key) => key.publisher === publisher && key.keyId === keyId)) return undefined;
    if (consent.trustKey === keyId) return signer.key;
    throw new HostError(
      "HOST_KEY_UNTRUSTED",
      `${manifest.id} is signed by ${fingerprint}, which nobody has confirmed as a key of ${publisher}`,
    );
  }

  /**
   * Every required permission needs consent, of a person or of the policy; optional ones stay open until somebody
   * grants them. What was granted before keeps its end and its history.
   */
  #chooseGrants(plan: Plan, consent: Consent, grantedAt: string): ChosenGrant[] {
    const { grants, policy } = this.#parts;
    const { id } = plan.manifest;
    const held = grants.of(id);
    const expiresAt = policy.grantDays === undefined ? undefined : afterDays(grantedAt, policy.grantDays);
    const consented = new Set(consent.grant.map(formatPermission));
    const chosen: ChosenGrant[] = [];
    for (const { permission, isOptional, isGranted, isDeniedByPolicy } of plan.permissions) {
      const before = held.find((grant) => covers(grant.permission, permission));
      const isConsented = consented.has(formatPermission(permission)) && !isDeniedByPolicy;
      if (before !== undefined) chosen.push({ grant: { ...before, permission }, isNew: false });
      else if (isGranted) continue; // By the policy, which may change its mind.
      else if (isConsented)
        chosen.push({ grant: { permission, grantedAt, expiresAt, lastUsedAt: undefined }, isNew: true });
      else if (!isOptional) {
        throw new HostError("HOST_CONSENT_MISSING", `${id} requires ${permission.name}, and nobody agreed to it`, {
          details: { permission },
        });
      }
    }
    return chosen;
  }

  #begin(change: Change): BegunChange {
    return change.before === undefined ? this.#beginFirst(change) : this.#beginUpdate(change);
  }

  #beginFirst({ plan: { manifest }, facts, granted }: Change): BegunChange {
    const { plugins, grants } = this.#parts;
    const release = plugins.releaseOf(manifest, facts);
    const record = plugins.begin(manifest.id);
    record.apply("beginInstall", "installing");
    return {
      undo() {
        record.apply("undoInstall", "available");
        plugins.drop(record);
      },
      finish() {
        grants.set(
          record.id,
          granted.map(({ grant }) => grant),
        );
        record.facts = facts;
        record.release = release;
        record.apply("finishInstall", "installed");
        if (facts.state === "enabled") record.apply("enable", "enabled");
      },
    };
  }

  #beginUpdate({ plan: { manifest }, facts, granted }: Change): BegunChange {
    const { plugins, grants, broker } = this.#parts;
    const release = plugins.releaseOf(manifest, facts);
    const record: PluginRecord = plugins.get(manifest.id);
    const { state, reason } = record;
    record.apply("beginUpdate", "updating", reason);
    return {
      undo: () => record.apply("endUpdate", state, reason),
      finish() {
        const retired = record.release;
        grants.set(
          record.id,
          granted.map(({ grant }) => grant),
        );
        record.facts = facts;
        record.release = release;
        record.apply("endUpdate", facts.state, state === "quarantined" ? reason : undefined);
        // Calls under way end on the old code; the next ones begin on the new.
        retired?.retire();
        broker.release(manifest.id);
      },
    };
  }

  async #write(changes: readonly Change[], also: readonly Statement[]): Promise<void> {
    const { store, packages } = this.#parts;
    try {
      await packages.put(new Map(changes.map(({ plan }) => [plan.fileDigest, plan.packageBytes])));
    } catch (error) {
      const names = changes.map(({ plan: { manifest } }) => `${manifest.id} ${manifest.version}`).join(", ");
      throw new HostError(
        "HOST_DATA_DIR_UNUSABLE",
        `the package of ${names} could not be stored (${systemCodeOf(error)})`,
        { cause: error },
      );
    }
    await store.transaction([...changes.flatMap(installStatements), ...also]);
  }

  /**
   * Takes back packages that were stored for nothing. The database says which: a transaction whose answer
   * was lost may have been done. Where it cannot be asked, the files stay until the host opens anew.
   */
  async #dropUnused(changes: readonly Change[]): Promise<void> {
    const { store } = this.#parts;
    try {
      const used = new Set((await store.all("SELECT file_digest FROM plugins")).map((row) => row["file_digest"]));
      const unused = changes.map(({ facts }) => facts.fileDigest).filter((digest) => !used.has(digest));
      await Promise.all(unused.map((digest) => this.#removePackage(digest)));
    } catch (error) {
      this.#parts.events.emit({ kind: "fault", what: "cleanup", error: reportOf(error) });
    }
  }

  /** What is left of a file is no reason to fail: the change is done, and the next start cleans up. */
  async #removePackage(fileDigest: string): Promise<void> {
    try {
      await this.#parts.packages.remove(fileDigest);
    } catch (error) {
      this.#parts.events.emit({ kind: "fault", what: "cleanup", error: reportOf(error) });
    }
  }

  /** See `Host.previewUninstall`. */
  preview(pluginId: string): Promise<UninstallPreview> {
    const { facts } = this.#parts.plugins.get(pluginId);
    return previewErasure(this.#parts.store, pluginId, facts.version);
  }

  /** See `Host.exportData`. */
  exportData(pluginId: string): AsyncGenerator<string> {
    const { facts } = this.#parts.plugins.get(pluginId);
    return exportData(this.#parts.store, pluginId, facts.version);
  }

  /** See `Host.uninstall` and `Host.uninstallAll`. */
  async uninstall(pluginIds: readonly string[]): Promise<UninstallReceipt[]> {
    const { store, plugins, now } = this.#parts;
    const leaving = Array.from(new Set(pluginIds), (id) => ({ id, facts: plugins.get(id).facts }));
    verifyNobodyNeeds(pluginIds, plugins.manifests());
    const erasedAt = now().toISOString();
    const begun: BegunChange[] = [];
    const receipts: UninstallReceipt[] = [];
    try {
      for (const { id } of leaving) begun.push(this.#beginErasure(id));
      for (const { id, facts } of leaving) {
        receipts.push({ ...(await this.preview(id)), erasedAt, contentDigest: facts.contentDigest });
      }
      await store.transaction(receipts.flatMap(eraseStatements));
    } catch (error) {
      for (const { undo } of begun) undo();
      throw error;
    }
    for (const { finish } of begun) finish();
    for (const { facts } of leaving) await this.#removePackage(facts.fileDigest);
    // Erased pages were overwritten; now the copies of them in the write-ahead log go too.
    await store.all("PRAGMA wal_checkpoint(TRUNCATE)");
    return receipts;
  }

  #beginErasure(pluginId: string): BegunChange {
    const { plugins, broker, crashes, grants, rights, statistics, alerts } = this.#parts;
    const { facts } = plugins.get(pluginId);
    const record: PluginRecord = plugins.get(pluginId);
    const { state, reason } = record;
    record.apply("beginUninstall", "uninstalling");
    // Nothing may be written for it from here on; the table refuses what was on its way.
    record.release?.end();
    return {
      undo() {
        if (record.release !== undefined) record.release = plugins.releaseOf(record.release.manifest, facts);
        record.apply("undoUninstall", state, reason);
      },
      finish() {
        grants.set(pluginId, []);
        rights.forget(pluginId);
        statistics.forget(pluginId);
        alerts.forget(pluginId);
        record.facts = undefined;
        record.apply("finishUninstall", "available");
        plugins.drop(record);
        broker.release(pluginId);
        crashes.forget(pluginId);
      },
    };
  }
}

/** A change of a plugin's state that is under way: exactly one of both ends it. */
interface BegunChange {
  readonly undo: () => void;
  readonly finish: () => void;
}

function eraseStatements({ pluginId, version, erasedAt, contentDigest, data, grants }: UninstallReceipt): Statement[] {
  return [
    { sql: "DELETE FROM plugins WHERE id = ?", params: [pluginId], expectChanges: 1 },
    ...TABLES_OF_PLUGIN.map((table) => ({ sql: `DELETE FROM ${table} WHERE plugin_id = ?`, params: [pluginId] })),
    journalStatement(
      {
        kind: "uninstall",
        pluginId,
        version,
        subject: contentDigest,
        outcome: "ok",
        detail: JSON.stringify({ data, grants }),
      },
      erasedAt,
    ),
  ];
}

interface Change {
  readonly plan: Plan;
  readonly facts: StoredFacts;
  readonly before: StoredFacts | undefined;
  readonly granted: readonly ChosenGrant[];
  /** The publisher's key, when it is pinned with this change. */
  readonly newKey: PublicKeyRecord | undefined;
}

function installStatements({ plan: { manifest, signer }, facts, before, granted, newKey }: Change): Statement[] {
  const { id, version } = manifest;
  const { contentDigest, fileDigest, keyId, installedAt: at, state, registry, askedRange } = facts;
  const record = (entry: Omit<JournalRecord, "pluginId" | "version" | "outcome">): Statement =>
    journalStatement({ ...entry, pluginId: id, version, outcome: "ok" }, at);
  const added = granted.filter(({ isNew }) => isNew);
  return [
    {
      // An update keeps state and reason: a release that a person put away is not let out by its publisher.
      sql: `INSERT INTO plugins
        (id, version, content_digest, file_digest, manifest, key_id, installed_at, state, registry, asked_range)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version,
        content_digest = excluded.content_digest, file_digest = excluded.file_digest, manifest = excluded.manifest,
        key_id = excluded.key_id, installed_at = excluded.installed_at, registry = excluded.registry,
        asked_range = excluded.asked_range`,
      params: [
        id,
        version,
        contentDigest,
        fileDigest,
        JSON.stringify(manifest),
        keyId,
        at,
        state,
        registry ?? null,
        askedRange ?? null,
      ],
    },
    ...replaceGrants(id, granted.map(grantOf)),
    ...added.map(({ grant: { permission } }) =>
      record({ kind: "grant", subject: permission.name, detail: formatPermission(permission) }),
    ),
    ...(newKey === undefined
      ? []
      : [
          trustStatement(signer.publisher, newKey, "first-use", at),
          record({ kind: "trust", subject: newKey.keyId, detail: "first-use" }),
        ]),
    ...(signer.status === "deployment"
      ? [
          record({
            kind: "trust",
            subject: signer.keyId,
            detail: `from your deployment ${signer.repository}, signed until ${signer.expires}`,
          }),
        ]
      : []),
    record({
      kind: "install",
      subject: contentDigest,
      detail: before === undefined ? undefined : `replaces ${before.version}`,
    }),
  ];
}

interface ChosenGrant {
  readonly grant: Grant;
  readonly isNew: boolean;
}

const grantOf = ({ grant }: ChosenGrant): Grant => grant;

const afterDays = (instant: string, days: number): string =>
  new Date(Date.parse(instant) + days * 86_400_000).toISOString();

function schemasOf(manifest: Manifest): { what: string; schema: DialectSchema }[] {
  const { config } = manifest;
  const settings = config === undefined ? [] : [{ what: "the schema of the settings", schema: config }];
  const actions = Object.entries(manifest.contributes.actions).flatMap(([name, { input, output }]) => [
    { what: `the input schema of ${name}`, schema: input },
    { what: `the output schema of ${name}`, schema: output },
  ]);
  const events = Object.entries(manifest.contributes.events).map(([name, { payload }]) => ({
    what: `the schema of the event ${name}`,
    schema: payload,
  }));
  return [...settings, ...actions, ...events];
}
