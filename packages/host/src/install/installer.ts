import { quote, reportOf } from "@berth/base";
import type { DialectSchema, Manifest } from "@berth/spec";
import type { EngineDescriptor, Supervisor } from "@berth/sandbox";
import type { Statement, Store } from "@berth/store";
import type { DeploymentKey } from "@berth/trust";

import type { Broker } from "../broker/broker.ts";
import { HostError } from "../errors.ts";
import { verifyAllNeeds } from "../graph/unmet-needs.ts";
import type { EventSink } from "../host-event.ts";
import type { PluginRecord, StoredFacts } from "../lifecycle/plugin-record.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { systemCodeOf } from "../node-data-dir.ts";
import type { PluginPolicy, Policy } from "../policy.ts";
import type { Grants } from "../rights/grants.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
import { verifySchedules } from "../schedules/cron-times.ts";
import type { BegunChange } from "./begun-change.ts";
import { prepareChange } from "./consent.ts";
import type { Change, InstallItem } from "./consent.ts";
import { discardPackage } from "./discard-package.ts";
import { installStatements } from "./install-statements.ts";
import type { KeyRing } from "./key-ring.ts";
import type { PackageFolder } from "./node-package-folder.ts";
import { makePlan, openPackage } from "./plan.ts";
import type { OpenedPackage, Plan } from "./plan.ts";

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
  readonly policyFor: (pluginId: string) => PluginPolicy;
  readonly engines: readonly EngineDescriptor[];
  /** Secrets of the policy's repository. */
  readonly deploymentKeys: () => Promise<readonly DeploymentKey[]>;
  /** Tells what walls the machine has. */
  readonly supervisor: Supervisor;
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
    const { plugins, policy, policyFor, engines, keys, grants, schemas, supervisor, now } = this.#parts;
    const { id, version } = opened.unverifiedManifest;
    const expected = origin?.expected;
    if (expected !== undefined && (expected.id !== id || expected.version !== version)) {
      throw new HostError("HOST_INDEX_DIFFERS", `the file announced as this release holds ${id} ${version}`);
    }
    const installed = plugins.find(id)?.facts;
    if (installed !== undefined && installed.developmentFolder !== developmentFolder) throw taken(id, installed);
    const { engine, ...plan } = makePlan(opened, {
      policy: policyFor(id),
      trustOnFirstUse: policy.trustOnFirstUse,
      repository: origin?.registry === undefined ? policy.repository : origin.registry.repository,
      engines,
      trustedKeys: await keys.list(),
      deploymentKeys: opened.envelope === undefined ? await this.#deploymentKeys() : [],
      installed,
      developmentFolder,
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
    const changes = items.map((item) => prepareChange(item, trusted, this.#parts));
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

/** Grants, secrets and data were given to code that somebody else vouches for. */
function taken(id: string, { developmentFolder }: StoredFacts): HostError {
  const from = developmentFolder === undefined ? "a signed package" : quote(developmentFolder, 200);
  return new HostError(
    "HOST_DEVELOPMENT_TAKEN",
    `${id} is installed from ${from}, whose rights and data are not for this`,
    {
      hint: `Uninstall it first: berth uninstall ${id}`,
    },
  );
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
