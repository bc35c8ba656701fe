import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { readPackage } from "@berth/archive";
import { isCodedError, quote } from "@berth/base";
import { SandboxError, Supervisor } from "@berth/sandbox";
import type { EngineDescriptor, LogLine, PluginFailure, SupervisedCompartment } from "@berth/sandbox";
import { formatPermission, needsOwnProcess, parseManifest, permissionSchema, strongerLevel } from "@berth/spec";
import type { DialectSchema, Manifest, Permission, SecurityLevel } from "@berth/spec";
import { Store, StoreError } from "@berth/store";
import type { Row, Statement } from "@berth/store";
import type { PublicKeyRecord, TrustedKey } from "@berth/trust";
import { INLINE_VALUE_BYTES, decodeValue, encodeValue } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { Broker } from "./broker/broker.ts";
import type { ServiceCall } from "./broker/service.ts";
import { makeStorageService } from "./broker/storage.ts";
import { HostError } from "./errors.ts";
import { InstalledPlugin } from "./installed-plugin.ts";
import type { PluginCode } from "./installed-plugin.ts";
import { Journal, journalStatement } from "./journal.ts";
import type { JournalEntry, JournalQuery, JournalRecord } from "./journal.ts";
import { migrations } from "./migrations.ts";
import { PackageFolder } from "./node-package-folder.ts";
import { mapStack } from "./node-source-map.ts";
import { chooseEngine, limitsOf, makePlan, openPackage } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import type { Policy } from "./policy.ts";
import { SchemaThread } from "./schema/node-schema-thread.ts";

/** How a host is opened. */
export interface HostOptions<Caller> {
  /** Folder for everything the host keeps; created when missing, owned by one process at a time. */
  readonly dataDir: string;
  /** What executes plugins, for example `[isolate()]`. The host never chooses an engine by itself. */
  readonly engines: readonly EngineDescriptor[];
  readonly policy?: Partial<Policy>;
  /** The tenant or user that a caller belongs to: one partition's state never serves another. */
  readonly partitionOf?: (caller: Caller) => string | undefined;
  /** Hears what plugins log. */
  readonly onLog?: (line: PluginLogLine) => void;
  /** Sandbox hosts kept ready for the next plugin. Default 0. */
  readonly spares?: number;
  /** How long to wait for another owner of the data directory, ms. Default 5,000. */
  readonly busyMs?: number;
  readonly now?: () => Date;
}

export interface PluginLogLine extends LogLine {
  readonly pluginId: string;
}

/** What a person or a policy agreed to. */
export interface Consent {
  /** Permissions granted; each must cover what the manifest asks. */
  readonly grant: readonly Permission[];
  /** The key to pin when the plan's signer is `first-use`. */
  readonly trustKey?: string;
}

/** An installed plugin, as `list` tells it. */
export interface PluginSummary {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly level: SecurityLevel;
  readonly installedAt: string;
  readonly contentDigest: string;
  readonly keyId: string;
  readonly actions: readonly string[];
  readonly permissions: readonly Permission[];
}

export interface CallOptions<Caller> {
  readonly caller?: Caller;
  readonly signal?: AbortSignal;
}

const SELECT_PLUGIN = "SELECT * FROM plugins WHERE id = ?";

/**
 * Opens a host on a data directory.
 *
 * @throws HostError HOST_BUSY when another process owns the directory, HOST_DATA_DIR_UNUSABLE; StoreError
 */
export async function openHost<Caller = undefined>(options: HostOptions<Caller>): Promise<Host<Caller>> {
  const { dataDir, busyMs, now = () => new Date() } = options;
  const ownerFile = join(dataDir, "owner.pid");
  const packages = new PackageFolder(join(dataDir, "packages"));
  let store: Store;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    store = await Store.open({
      file: join(dataDir, "host.sqlite"),
      migrations,
      ...(busyMs !== undefined && { busyMs }),
    });
  } catch (error) {
    if (error instanceof StoreError && error.code === "STORE_BUSY") {
      const pid = await readFile(ownerFile, "utf8").catch(() => "unknown");
      throw new HostError(
        "HOST_BUSY",
        `the data directory ${quote(dataDir, 200)} is owned by process ${quote(pid.trim())}`,
        { details: { pid: Number(pid) || null } },
      );
    }
    if (isCodedError(error)) throw error;
    throw new HostError("HOST_DATA_DIR_UNUSABLE", `the data directory ${quote(dataDir, 200)} cannot be used`, {
      cause: error,
    });
  }
  try {
    await writeFile(ownerFile, `${process.pid}\n`, { mode: 0o600 });
    const rows = await store.all("SELECT * FROM plugins ORDER BY id");
    await packages.prepare(new Set(rows.map((row) => String(row["file_digest"]))));
    return new Host(options, store, packages, now, rows);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Installs plugins and runs them. Made by `openHost`; close it to let go of the data directory. */
export class Host<Caller = undefined> {
  readonly #options: HostOptions<Caller>;
  readonly #policy: Policy;
  readonly #store: Store;
  readonly #packages: PackageFolder;
  readonly #now: () => Date;
  readonly #journal: Journal;
  readonly #broker: Broker;
  readonly #schemas = new SchemaThread();
  readonly #supervisor: Supervisor;
  readonly #plugins = new Map<string, InstalledPlugin>();
  /** Installs and uninstalls run one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Use `openHost`. */
  constructor(
    options: HostOptions<Caller>,
    store: Store,
    packages: PackageFolder,
    now: () => Date,
    rows: readonly Row[],
  ) {
    this.#options = options;
    this.#policy = { ...DEFAULT_POLICY, ...options.policy };
    this.#store = store;
    this.#packages = packages;
    this.#now = now;
    this.#journal = new Journal(store, now);
    this.#broker = new Broker([makeStorageService(store, this.#policy.storageBytes)], this.#journal);
    this.#supervisor = new Supervisor({ ...(options.spares !== undefined && { spares: options.spares }) });
    for (const row of rows) this.#adopt(row);
  }

  #adopt(row: Row): void {
    const manifest = parseManifest(Buffer.from(String(row["manifest"])));
    const level = strongerLevel(manifest.level, this.#policy.level);
    this.#plugins.set(
      manifest.id,
      new InstalledPlugin({
        manifest,
        level,
        limits: limitsOf(manifest, level),
        contentDigest: String(row["content_digest"]),
        fileDigest: String(row["file_digest"]),
        keyId: String(row["key_id"]),
        installedAt: String(row["installed_at"]),
      }),
    );
  }

  /**
   * Verifies a package and tells what installing it would mean. Changes nothing.
   *
   * @throws ArchiveError, SpecError, TrustError, HostError (see `makePlan`), HOST_ALREADY_INSTALLED,
   *   HOST_SCHEMA_UNUSABLE
   */
  async plan(packageBytes: Uint8Array): Promise<Plan> {
    this.#refuseWhenClosed();
    const opened = openPackage(packageBytes);
    const { id } = opened.unverifiedManifest;
    const installed = this.#plugins.get(id);
    const plan = makePlan(opened, {
      policy: this.#policy,
      engines: this.#options.engines,
      trustedKeys: await this.trustedKeys(),
      installed: installed && { version: installed.manifest.version, fileDigest: installed.fileDigest },
      grants: await this.#grantsOf(id),
      now: this.#now(),
    });
    if (installed?.contentDigest === plan.contentDigest) {
      throw new HostError("HOST_ALREADY_INSTALLED", `${id} ${plan.manifest.version} is installed already`);
    }
    await this.#schemas.compile(schemasOf(plan.manifest));
    return plan;
  }

  /**
   * Installs what a plan describes: package file, grants, pinned key and journal, in one step that is
   * done or undone, whenever the process is killed. Replaces another release of the same plugin; grants
   * that still cover what the new release asks for stay.
   *
   * @throws HostError HOST_CONSENT_MISSING, HOST_KEY_UNTRUSTED, HOST_PLAN_STALE, HOST_DATA_DIR_UNUSABLE; StoreError
   */
  install(plan: Plan, consent: Consent): Promise<PluginSummary> {
    return this.#inOrder(() => this.#install(plan, consent));
  }

  async #install(plan: Plan, consent: Consent): Promise<PluginSummary> {
    const { manifest, signer } = plan;
    const { id, version } = manifest;
    const before = this.#plugins.get(id);
    if (before?.manifest.version !== plan.replaces || before?.contentDigest === plan.contentDigest) {
      throw new HostError("HOST_PLAN_STALE", `${id} changed since the plan was made`);
    }
    const granted = chooseGrants(plan, consent);
    const keyIsTrusted = (await this.trustedKeys()).some(
      ({ publisher, keyId }) => publisher === signer.publisher && keyId === signer.keyId,
    );
    if (!keyIsTrusted && consent.trustKey !== signer.keyId) {
      throw new HostError(
        "HOST_KEY_UNTRUSTED",
        `${id} is signed by ${signer.fingerprint}, which nobody has confirmed as a key of ${signer.publisher}`,
      );
    }
    try {
      await this.#packages.put(plan.fileDigest, plan.packageBytes);
    } catch (error) {
      throw new HostError("HOST_DATA_DIR_UNUSABLE", `the package of ${id} ${version} could not be stored`, {
        cause: error,
      });
    }
    const at = this.#now().toISOString();
    const record = (entry: Omit<JournalRecord, "pluginId" | "version" | "outcome">): Statement =>
      journalStatement({ ...entry, pluginId: id, version, outcome: "ok" }, at);
    await this.#store.transaction([
      {
        sql: "INSERT OR REPLACE INTO plugins VALUES (?, ?, ?, ?, ?, ?, ?)",
        params: [id, version, plan.contentDigest, plan.fileDigest, JSON.stringify(manifest), signer.keyId, at],
      },
      { sql: "DELETE FROM grants WHERE plugin_id = ?", params: [id] },
      ...granted.flatMap(({ permission, isNew }) => [
        { sql: "INSERT OR IGNORE INTO grants VALUES (?, ?, ?)", params: [id, formatPermission(permission), at] },
        ...(isNew ? [record({ kind: "grant", subject: permission.name, detail: formatPermission(permission) })] : []),
      ]),
      ...(keyIsTrusted
        ? []
        : [
            trustStatement(signer.publisher, signer.key, "first-use", at),
            record({ kind: "trust", subject: signer.keyId, detail: "first-use" }),
          ]),
      record({
        kind: "install",
        subject: plan.contentDigest,
        detail: before === undefined ? undefined : `replaces ${before.manifest.version}`,
      }),
    ]);
    before?.disposeCompartments();
    const [row] = await this.#store.all(SELECT_PLUGIN, [id]);
    if (row !== undefined) this.#adopt(row);
    if (before !== undefined && before.fileDigest !== plan.fileDigest) await this.#packages.remove(before.fileDigest);
    return this.#summaryOf(id);
  }

  /**
   * Runs an action on a value of up to 1 MiB.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_ACTION_UNKNOWN, HOST_INPUT_INVALID, HOST_OUTPUT_INVALID,
   *   HOST_VALUE_TOO_LARGE, HOST_PACKAGE_DAMAGED; SandboxError; WireError WIRE_VALUE_NOT_JSON
   */
  call(pluginId: string, action: string, input: unknown, options: CallOptions<Caller> = {}): Promise<unknown> {
    return this.#journalled(pluginId, action, async (plugin) => {
      const fault = plugin.validator(action, "input")(input);
      if (fault !== undefined) throw inputInvalid(plugin, action, fault);
      const value = encodeValue(input);
      if (sizeOf(value) > INLINE_VALUE_BYTES) throw tooLarge("input", sizeOf(value));
      const answer = await this.#run(plugin, action, value, options);
      if (sizeOf(answer) > INLINE_VALUE_BYTES) throw tooLarge("output", sizeOf(answer));
      const output = decodeValue(answer);
      const broken = plugin.validator(action, "output")(output);
      if (broken !== undefined) throw outputInvalid(plugin, action, broken);
      return output;
    });
  }

  /**
   * Runs an action on JSON text in UTF-8 of up to 64 MiB; the answer is JSON text too. Parsing and
   * checking happen in a worker thread, so that large values never stall the embedding program.
   *
   * @throws as `call`, except HOST_VALUE_TOO_LARGE; WireError WIRE_VALUE_TOO_LARGE
   */
  callBytes(
    pluginId: string,
    action: string,
    json: Uint8Array,
    options: CallOptions<Caller> = {},
  ): Promise<Uint8Array> {
    return this.#journalled(pluginId, action, async (plugin) => {
      const { input, output } = declarationOf(plugin.manifest, action);
      const fault = await this.#schemas.check(input, json);
      if (fault !== undefined) throw inputInvalid(plugin, action, fault);
      const answer = await this.#run(plugin, action, { json, bytes: [] }, options);
      if (answer.bytes.length > 0)
        throw outputInvalid(plugin, action, { path: "", message: "holds bytes, which JSON text cannot carry" });
      const broken = await this.#schemas.check(output, answer.json);
      if (broken !== undefined) throw outputInvalid(plugin, action, broken);
      return answer.json;
    });
  }

  /** Finds the plugin, and records how the call ended. */
  async #journalled<Answer>(
    pluginId: string,
    action: string,
    run: (plugin: InstalledPlugin) => Promise<Answer>,
  ): Promise<Answer> {
    this.#refuseWhenClosed();
    const plugin = this.#pluginOf(pluginId);
    declarationOf(plugin.manifest, action);
    const startedAt = performance.now();
    let outcome = "ok";
    try {
      return await run(plugin);
    } catch (error) {
      outcome = isCodedError(error) ? error.code : "INTERNAL";
      // A call that was on its way when the host closed meets a closed store: the same news in our words.
      if (outcome === "STORE_CLOSED") this.#refuseWhenClosed();
      throw error;
    } finally {
      if (!this.#isClosed) {
        const { version } = plugin.manifest;
        this.#journal.note({
          kind: "call",
          pluginId,
          version,
          subject: action,
          outcome,
          durationUs: (performance.now() - startedAt) * 1_000,
        });
      }
    }
  }

  async #run(
    plugin: InstalledPlugin,
    action: string,
    input: WireValue,
    { caller, signal }: CallOptions<Caller>,
  ): Promise<WireValue> {
    const partition = caller === undefined ? undefined : this.#options.partitionOf?.(caller);
    const compartment = plugin.compartments.get(partition ?? "") ?? (await this.#openCompartment(plugin, partition));
    const { id, version } = plugin.manifest;
    const about = JSON.stringify({ plugin: { id, version }, action });
    try {
      return await compartment.call({ action, input, caller: partition, about, signal });
    } catch (error) {
      throw await withMappedStack(error, plugin);
    }
  }

  async #openCompartment(plugin: InstalledPlugin, partition: string | undefined): Promise<SupervisedCompartment> {
    const code = await (plugin.code ??= this.#loadCode(plugin));
    const existing = plugin.compartments.get(partition ?? "");
    if (existing !== undefined) return existing;
    const { id, version } = plugin.manifest;
    const compartment = this.#supervisor.open({
      packKey: await this.#packKeyOf(plugin),
      engine: chooseEngine(plugin.manifest, plugin.level, this.#options.engines),
      code: code.bundle,
      sourceName: plugin.manifest.runtime.entry,
      limits: plugin.limits,
      onRequest: ({ call, method, value }) => {
        const service: ServiceCall = {
          pluginId: id,
          version,
          action: call.action,
          partition: call.caller as string | undefined,
        };
        return this.#broker.request(service, method, value);
      },
      onLog: (line) => this.#options.onLog?.({ ...line, pluginId: id }),
    });
    plugin.compartments.set(partition ?? "", compartment);
    return compartment;
  }

  /**
   * Which plugins share a sandbox host: nobody shares one yet. A process of its own for each plugin is
   * stricter than every level asks for, and costs memory only.
   */
  async #packKeyOf(plugin: InstalledPlugin): Promise<string> {
    const { id } = plugin.manifest;
    const grants = await this.#grantsOf(id);
    return `${plugin.level}/${id}${grants.some(needsOwnProcess) ? "/alone" : ""}`;
  }

  /** Reads the package again and compares it with what was installed: nobody edits a plugin on disk. */
  async #loadCode(plugin: InstalledPlugin): Promise<PluginCode> {
    const { id, version, runtime } = plugin.manifest;
    try {
      const { files, contentDigest } = readPackage(await this.#packages.read(plugin.fileDigest));
      const bundle = files.get(runtime.entry)?.bytes;
      if (contentDigest !== plugin.contentDigest || bundle === undefined) throw new Error("the content digest differs");
      return { bundle, sourceMap: files.get(`${runtime.entry}.map`)?.bytes };
    } catch (error) {
      plugin.code = undefined;
      throw new HostError("HOST_PACKAGE_DAMAGED", `the stored package of ${id} ${version} is missing or was changed`, {
        cause: error,
      });
    }
  }

  /** Installed plugins, by id. */
  async list(): Promise<PluginSummary[]> {
    this.#refuseWhenClosed();
    return Promise.all([...this.#plugins.keys()].toSorted().map((id) => this.#summaryOf(id)));
  }

  /**
   * Removes a plugin with its grants and its stored data. The journal stays.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN
   */
  uninstall(pluginId: string): Promise<void> {
    return this.#inOrder(async () => {
      const plugin = this.#pluginOf(pluginId);
      plugin.disposeCompartments();
      const at = this.#now().toISOString();
      await this.#store.transaction([
        ...["grants", "storage", "storage_usage"].map((table) => ({
          sql: `DELETE FROM ${table} WHERE plugin_id = ?`,
          params: [pluginId],
        })),
        { sql: "DELETE FROM plugins WHERE id = ?", params: [pluginId] },
        journalStatement({ kind: "uninstall", pluginId, version: plugin.manifest.version, outcome: "ok" }, at),
      ]);
      this.#plugins.delete(pluginId);
      await this.#packages.remove(plugin.fileDigest);
    });
  }

  /** What was installed, granted, called and denied; newest first. */
  journal(query: JournalQuery = {}): Promise<JournalEntry[]> {
    this.#refuseWhenClosed();
    return this.#journal.read(query);
  }

  /** Keys that this host trusts, and for which publisher. */
  async trustedKeys(): Promise<TrustedKey[]> {
    const rows = await this.#store.all("SELECT * FROM trusted_keys ORDER BY publisher, added_at");
    return rows.map((row) => ({
      publisher: String(row["publisher"]),
      keyId: String(row["key_id"]),
      algorithm: "ed25519",
      publicKey: String(row["public_key"]),
      addedAt: String(row["added_at"]),
      how: row["how"] === "told" ? "told" : "first-use",
    }));
  }

  /** Tells the host to trust a key for everything that a publisher signs. */
  async trustKey(publisher: string, key: PublicKeyRecord): Promise<void> {
    this.#refuseWhenClosed();
    const at = this.#now().toISOString();
    await this.#store.transaction([
      trustStatement(publisher, key, "told", at),
      journalStatement({ kind: "trust", pluginId: publisher, subject: key.keyId, outcome: "ok", detail: "told" }, at),
    ]);
  }

  /** Ends every sandbox host, writes the journal and lets go of the data directory. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#supervisor.close();
    await this.#changes.catch(() => undefined); // Its caller hears of the failure; closing goes on.
    await this.#journal.flush();
    await this.#schemas.close();
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #inOrder<Result>(change: () => Promise<Result>): Promise<Result> {
    this.#refuseWhenClosed();
    const result = this.#changes.then(change, change);
    this.#changes = result.catch(() => undefined);
    return result;
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new HostError("HOST_CLOSED", "the host is closed");
  }

  #pluginOf(pluginId: string): InstalledPlugin {
    const plugin = this.#plugins.get(pluginId);
    if (plugin === undefined) throw new HostError("HOST_PLUGIN_UNKNOWN", `no plugin ${quote(pluginId)} is installed`);
    return plugin;
  }

  async #grantsOf(pluginId: string): Promise<Permission[]> {
    const rows = await this.#store.all("SELECT permission FROM grants WHERE plugin_id = ? ORDER BY permission", [
      pluginId,
    ]);
    return rows.map((row) => parseGrant(String(row["permission"])));
  }

  async #summaryOf(pluginId: string): Promise<PluginSummary> {
    const { manifest, level, installedAt, contentDigest, keyId } = this.#pluginOf(pluginId);
    return {
      id: manifest.id,
      version: manifest.version,
      displayName: manifest.displayName,
      level,
      installedAt,
      contentDigest,
      keyId,
      actions: Object.keys(manifest.contributes.actions),
      permissions: await this.#grantsOf(pluginId),
    };
  }
}

/** A grant as it was stored: the permission of a request without its reason. */
function parseGrant(text: string): Permission {
  const {
    reason: _reason,
    optional: _optional,
    ...permission
  } = permissionSchema.parse({ ...(JSON.parse(text) as object), reason: "-" });
  return permission;
}

/** Every required permission needs consent; optional ones stay open until somebody grants them. */
function chooseGrants(plan: Plan, consent: Consent): { permission: Permission; isNew: boolean }[] {
  const granted: { permission: Permission; isNew: boolean }[] = [];
  const consented = new Set(consent.grant.map(formatPermission));
  for (const { permission, isOptional, isGranted, isDeniedByPolicy } of plan.permissions) {
    const isConsented = consented.has(formatPermission(permission)) && !isDeniedByPolicy;
    if (isGranted || isConsented) granted.push({ permission, isNew: !isGranted });
    else if (!isOptional) {
      throw new HostError(
        "HOST_CONSENT_MISSING",
        `${plan.manifest.id} requires ${permission.name}, and nobody agreed to it`,
        { details: { permission } },
      );
    }
  }
  return granted;
}

function trustStatement(publisher: string, key: PublicKeyRecord, how: "told" | "first-use", at: string): Statement {
  return {
    sql: "INSERT INTO trusted_keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET how = excluded.how",
    params: [publisher, key.keyId, key.algorithm, key.publicKey, at, how],
  };
}

function schemasOf(manifest: Manifest): { what: string; schema: DialectSchema }[] {
  return Object.entries(manifest.contributes.actions).flatMap(([name, { input, output }]) => [
    { what: `the input schema of ${name}`, schema: input },
    { what: `the output schema of ${name}`, schema: output },
  ]);
}

function declarationOf(manifest: Manifest, action: string): Manifest["contributes"]["actions"][string] {
  const { actions } = manifest.contributes;
  const declaration = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (declaration === undefined) {
    throw new HostError(
      "HOST_ACTION_UNKNOWN",
      `${manifest.id} has no action ${quote(action)}; it has ${Object.keys(actions).join(", ") || "none"}`,
    );
  }
  return declaration;
}

const sizeOf = ({ json, bytes }: WireValue): number =>
  bytes.reduce((sum, section) => sum + section.length, json.length);

type Fault = { readonly path: string; readonly message: string };

const inputInvalid = ({ manifest }: InstalledPlugin, action: string, { path, message }: Fault): HostError =>
  new HostError(
    "HOST_INPUT_INVALID",
    `the input of ${manifest.id} ${action}${path === "" ? "" : ` at ${quote(path)}`} ${message}`,
    { details: { path, message } },
  );

const outputInvalid = ({ manifest }: InstalledPlugin, action: string, { path, message }: Fault): HostError =>
  new HostError(
    "HOST_OUTPUT_INVALID",
    `the output of ${manifest.id} ${action}${path === "" ? "" : ` at ${quote(path)}`} ${message}`,
    { details: { path, message } },
  );

const tooLarge = (side: string, size: number): HostError =>
  new HostError(
    "HOST_VALUE_TOO_LARGE",
    `the ${side} has ${size} bytes, a call by value takes at most ${INLINE_VALUE_BYTES}`,
    { hint: "Use callBytes." },
  );

/** Places in a plugin's stack, turned into places of the author's source. */
async function withMappedStack(error: unknown, plugin: InstalledPlugin): Promise<unknown> {
  if (!(error instanceof SandboxError)) return error;
  const failure = error.details?.["plugin"] as PluginFailure | undefined;
  if (failure === undefined) return error;
  const code = await plugin.code;
  const stack = mapStack(failure.stack, plugin.manifest.runtime.entry, code?.sourceMap);
  return new SandboxError(error.code, error.message, { details: { ...error.details, plugin: { ...failure, stack } } });
}
