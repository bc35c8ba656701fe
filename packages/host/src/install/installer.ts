import { quote, reportOf } from "@berth/base";
import type { DialectSchema, Manifest } from "@berth/spec";
import type { EngineDescriptor, Supervisor } from "@berth/sandbox";
import type { Statement, Store } from "@berth/store";
import type { DeploymentKey } from "@berth/trust";

import type { Broker } from "../broker/broker.ts";
import { HostError } from "../errors.ts";
import { verifyAllNeeds } from "../graph/unmet-needs.ts";
import type { EventSink } from "../host-event.ts";
import type { PluginRecord } from "../lifecycle/plugin-record.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { systemCodeOf } from "../node-data-dir.ts";
import { policyFor } from "../policy.ts";
import type { Policy } from "../policy.ts";
import type { Grants } from "../rights/grants.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
import { verifySchedules } from "../schedules/cron-times.ts";
import type { BegunChange } from "./begun-change.ts";
import type { CodeProof } from "./code-proof.ts";
import { prepareChange } from "./consent.ts";
import type { Change, InstallItem } from "./consent.ts";
import { discardPackage } from "./discard-package.ts";
import { installStatements } from "./install-statements.ts";
import type { KeyRing } from "./key-ring.ts";
import type { PackageFolder } from "./node-package-folder.ts";
import { makePlan, openPackage } from "./plan.ts";
import type { OpenedPackage, Plan, PlanningState } from "./plan.ts";
import type { SignedPackage } from "./signer.ts";

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
  readonly events: EventSink;
  readonly policy: Policy;
  readonly engines: readonly EngineDescriptor[];
  /** Secrets of the policy's repository. */
  readonly deploymentKeys: () => Promise<readonly DeploymentKey[]>;
  /** Tells what walls the machine has. */
  readonly supervisor: Supervisor;
  readonly proof: CodeProof;
  readonly now: () => Date;
}

/** Plans and installs. The host calls `install` while nothing else changes. */
export class Installer {
  readonly #parts: InstallerParts;

  constructor(parts: InstallerParts) {
    this.#parts = parts;
  }

  /** See `Host.plan`. */
  async plan(packageBytes: Uint8Array): Promise<Plan> {
    const plan = await this.planOpened(openPackage(packageBytes));
    this.#verifyNeeds(plan.manifest);
    return plan;
  }

  #verifyNeeds(manifest: Manifest): void {
    const before = this.#parts.plugins.manifests();
    verifyAllNeeds(new Map([...before, [manifest.id, manifest]]), before);
  }

  /**
   * Plans one package.
   *
   * @throws as `Host.plan`, but for HOST_DEPENDENCY_UNMET; HostError HOST_INDEX_DIFFERS for another release
   */
  planOpened(opened: OpenedPackage, origin?: PackageOrigin): Promise<Plan> {
    return this.#plan(opened, origin, undefined);
  }

  /**
   * Plans what was built from a development folder. See `Developments.plan`.
   *
   * @throws as `planOpened`, but for what belongs to signatures; HostError HOST_DEVELOPMENT_TAKEN
   */
  async planDevelopment(opened: OpenedPackage, folder: string): Promise<Plan> {
    const plan = await this.#plan(opened, undefined, folder);
    this.#verifyNeeds(plan.manifest);
    return plan;
  }

  async #plan(
    opened: OpenedPackage,
    origin: PackageOrigin | undefined,
    developmentFolder: string | undefined,
  ): Promise<Plan> {
    const { schemas, supervisor, now } = this.#parts;
    const { id, version } = opened.unverifiedManifest;
    const expected = origin?.expected;
    if (expected !== undefined && (expected.id !== id || expected.version !== version)) {
      throw new HostError("HOST_INDEX_DIFFERS", `the file announced as this release holds ${id} ${version}`);
    }
    const state = await this.#planningState(opened, origin, developmentFolder);
    const { engine, ...plan } = makePlan(opened, state);
    if (state.installed?.contentDigest === plan.contentDigest) {
      throw new HostError("HOST_ALREADY_INSTALLED", `${id} ${plan.manifest.version} is installed already`);
    }
    await schemas.compile(schemasOf(plan.manifest));
    verifySchedules(plan.manifest, now());
    const { missing } = await supervisor.wallFor(engine, plan.level);
    // While somebody reads the plan: its code is loaded before it is installed. Whoever needs a process hears of failures.
    supervisor.warm(engine, plan.level).catch(() => undefined);
    const reducedBy = missing.map(({ what, why, remedy }) => `no ${what}: ${why}. To mend it: ${remedy}`);
    return { ...plan, packageBytes: opened.packageBytes, reducedBy };
  }

  /**
   * What a plan of a package depends on here. Secrets of a deployment are asked for only where it alone vouches
   * for the package.
   */
  async #planningState(
    { unverifiedManifest: { id }, envelope, deploymentEnvelope }: SignedPackage,
    origin: PackageOrigin | undefined,
    developmentFolder: string | undefined,
  ): Promise<PlanningState> {
    const { plugins, policy, engines, keys, grants, now } = this.#parts;
    // Not the kept one: what is planned may be anybody's, and need not be installed.
    const own = policyFor(policy, id);
    return {
      policy: own,
      trustOnFirstUse: policy.trustOnFirstUse,
      repository: origin?.registry === undefined ? policy.repository : origin.registry.repository,
      engines,
      trustedKeys: await keys.list(),
      deploymentKeys: envelope === undefined && deploymentEnvelope !== undefined ? await this.#deploymentKeys() : [],
      installed: plugins.find(id)?.facts,
      developmentFolder,
      grants: [...grants.permissionsOf(id), ...own.grants],
      now: now(),
    };
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
   * Compares consent with what the plans need, and loads their code once. Not to be done while other changes wait: it
   * takes as long as foreign code likes, within its limits.
   *
   * @throws as `install`, but for what writing throws; HostError HOST_CODE_UNLOADABLE; SandboxError
   */
  async prove(items: readonly InstallItem[]): Promise<void> {
    await this.#prepare(items);
    await this.#parts.proof.run(items.map(({ plan }) => plan));
  }

  /** Nothing is held open meanwhile, so it is done again by whoever writes. */
  async #prepare(items: readonly InstallItem[]): Promise<Change[]> {
    const { keys, plugins } = this.#parts;
    const trusted = await keys.list();
    const changes = items.map((item) => prepareChange(item, trusted, this.#parts));
    const state = plugins.manifests();
    verifyAllNeeds(new Map([...state, ...items.map(({ plan }) => [plan.manifest.id, plan.manifest] as const)]), state);
    return changes;
  }

  /**
   * Installs plans together: all of them and `also`, in one transaction, or nothing. See `Host.install` and
   * `Host.installGraph`. What was not proved before is installed without.
   *
   * @throws HostError HOST_PLAN_STALE, HOST_DOWNGRADE_UNCONSENTED, HOST_CONSENT_MISSING, HOST_KEY_UNTRUSTED,
   *   HOST_DEPENDENCY_UNMET, HOST_DATA_DIR_UNUSABLE; StoreError
   */
  async install(items: readonly InstallItem[], also: readonly Statement[] = []): Promise<void> {
    const changes = await this.#prepare(items);
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
      if (before !== undefined && before.fileDigest !== facts.fileDigest)
        await discardPackage(before.fileDigest, this.#parts);
    }
  }

  #begin(change: Change): BegunChange {
    return change.before === undefined ? this.#beginFirst(change) : this.#beginUpdate(change);
  }

  #beginFirst({ plan: { manifest }, facts, granted }: Change): BegunChange {
    const { plugins, grants } = this.#parts;
    const release = plugins.releaseOf(facts.manifest ?? manifest, facts);
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
    const release = plugins.releaseOf(facts.manifest ?? manifest, facts);
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
      await Promise.all(unused.map((digest) => discardPackage(digest, this.#parts)));
    } catch (error) {
      this.#parts.events.emit({ kind: "fault", what: "cleanup", error: reportOf(error) });
    }
  }
}

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
