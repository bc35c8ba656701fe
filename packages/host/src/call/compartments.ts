import { readPackage } from "@berth/archive";
import { SandboxError } from "@berth/sandbox";
import type {
  EndReason,
  EngineDescriptor,
  PluginFailure,
  SandboxCall,
  SupervisedCompartment,
  Supervisor,
} from "@berth/sandbox";
import { needsOwnProcess } from "@berth/spec";
import type { Permission } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import type { Broker } from "../broker/broker.ts";
import { mintEffectKey } from "../broker/keyed-effects.ts";
import type { CallOrigin, EffectKey, ServiceCall } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { PluginLogLine } from "../host-options.ts";
import { verifyNeedsOf } from "../graph/unmet-needs.ts";
import type { PackageFolder } from "../install/node-package-folder.ts";
import { fitToLevel } from "../install/fit-to-level.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Grants } from "../rights/grants.ts";
import { InstalledPlugin } from "./installed-plugin.ts";
import type { PluginCode, ReleaseFacts } from "./installed-plugin.ts";
import { mapStack } from "./node-source-map.ts";

/** Losses of a process that its plugin is to blame for. Overstaying is the fault of one call. */
const CRASHES: ReadonlySet<EndReason> = new Set(["crashed", "memory", "protocol"]);

/** What compartments are opened with. All of it belongs to the host. */
export interface CompartmentParts {
  readonly supervisor: Supervisor;
  readonly packages: PackageFolder;
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly broker: Broker;
  readonly engines: readonly EngineDescriptor[];
  readonly onLog: ((line: PluginLogLine) => void) | undefined;
  /** Hears when a plugin's process crashed, and nobody else's code was in it. */
  readonly onCrash: (pluginId: string) => void;
}

/** One call, ready to be run. */
export interface CompartmentCall {
  readonly action: string;
  readonly input: WireValue;
  readonly partition: string | undefined;
  readonly callerRights: readonly Permission[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly origin?: CallOrigin | undefined;
  /** Of the call that this one repeats, or that may be repeated. */
  readonly effectKey?: EffectKey | undefined;
  /** Hears the CPU time that the engine charged to it, before it is settled. */
  readonly onUsage: SandboxCall["onUsage"];
}

/** The running instances of plugins: opened when first called, keyed by plugin, release and partition. */
export class Compartments {
  readonly #parts: CompartmentParts;
  /** Whose code runs under a pack key, and whether the loss of its process is still without an explanation. */
  readonly #packs = new Map<string, { readonly plugin: InstalledPlugin; isUnexplained: boolean }>();

  constructor(parts: CompartmentParts) {
    this.#parts = parts;
  }

  /**
   * A process is gone. That is the plugin's crash when it had answered before; a process that never came up
   * may be the machine's fault, and what its callers hear decides.
   */
  noteLoss(packKey: string, reason: EndReason): void {
    const pack = this.#packs.get(packKey);
    if (pack === undefined || !CRASHES.has(reason) || pack.plugin.isTrial) return;
    if (pack.plugin.hasAnswered) this.#parts.onCrash(pack.plugin.manifest.id);
    pack.isUnexplained = !pack.plugin.hasAnswered;
    pack.plugin.hasAnswered = false;
  }

  #explainLoss({ code }: SandboxError, plugin: InstalledPlugin): void {
    const isCrash = code === "SANDBOX_CRASHED" || code === "SANDBOX_PROTOCOL" || code === "SANDBOX_MEMORY";
    for (const pack of this.#packs.values()) {
      if (pack.plugin !== plugin || !pack.isUnexplained) continue;
      pack.isUnexplained = false;
      if (isCrash && !plugin.isTrial) this.#parts.onCrash(plugin.manifest.id);
    }
  }

  /** @throws SandboxError, HostError HOST_PACKAGE_DAMAGED */
  async run(plugin: InstalledPlugin, call: CompartmentCall): Promise<WireValue> {
    const { action, input, partition, callerRights, signal, origin, onUsage } = call;
    const compartment = plugin.compartments.get(keyOf(partition)) ?? (await this.#open(plugin, partition));
    const { id, version } = plugin.manifest;
    const about = JSON.stringify({ plugin: { id, version }, action, event: origin?.event });
    const effect = plugin.manifest.contributes.actions[action]?.effect;
    const life = new CallLife();
    const caller: ServiceCall = {
      pluginId: id,
      version,
      action,
      effect,
      partition,
      callerRights,
      chain: origin?.chain ?? [],
      through: origin?.through,
      deadlineAt: Math.min(origin?.deadlineAt ?? Infinity, performance.now() + plugin.limits.wallMs),
      tree: origin?.tree ?? { underWay: 0 },
      hops: origin?.hops ?? 0,
      effectKey: call.effectKey ?? (effect === "idempotent" ? mintEffectKey() : undefined),
      grantedOnce: [],
      signal: () => life.signal(),
    };
    try {
      const answer = await compartment.call({ action, input, caller, about, signal, onUsage });
      plugin.hasAnswered = true;
      return answer;
    } catch (error) {
      if (error instanceof SandboxError) this.#explainLoss(error, plugin);
      throw await withMappedStack(error, plugin);
    } finally {
      life.end();
    }
  }

  /**
   * Starts a plugin's instance for calls without a partition ahead of the first one: loaded, or nothing of it is
   * left. The machine has ten seconds to start a process, the plugin's top level its wall time.
   *
   * @throws SandboxError, HostError HOST_PACKAGE_DAMAGED, HOST_DEPENDENCY_UNMET
   */
  async load(plugin: InstalledPlugin): Promise<void> {
    const key = keyOf(undefined);
    const compartment = plugin.compartments.get(key) ?? (await this.#open(plugin, undefined));
    try {
      await compartment.load();
      plugin.hasAnswered = true;
    } catch (error) {
      if (plugin.compartments.get(key) === compartment) plugin.compartments.delete(key);
      compartment[Symbol.dispose]();
      if (error instanceof SandboxError) this.#explainLoss(error, plugin);
      throw await withMappedStack(error, plugin);
    }
  }

  /**
   * Loads a release that is not installed, in a process of its own, and ends it again: whether it can take over.
   *
   * @throws as `load`
   */
  async prove(facts: ReleaseFacts, code: PluginCode): Promise<void> {
    const trial = new InstalledPlugin(facts);
    trial.isTrial = true;
    trial.code = Promise.resolve(code);
    try {
      await this.load(trial);
    } finally {
      trial.end();
    }
  }

  async #open(plugin: InstalledPlugin, partition: string | undefined): Promise<SupervisedCompartment> {
    const { supervisor, broker, engines, onLog, plugins } = this.#parts;
    verifyNeedsOf(plugin.manifest, plugins.manifests());
    const code = await (plugin.code ??= this.#loadCode(plugin));
    const packKey = this.#packKeyOf(plugin);
    const existing = plugin.compartments.get(keyOf(partition));
    if (existing !== undefined) return existing;
    const { id } = plugin.manifest;
    const { isTrial } = plugin;
    if (plugin.hasEnded) throw new HostError("HOST_PLUGIN_NOT_ENABLED", `${id} was switched off during the call`);
    this.#hold(packKey, plugin);
    const compartment = supervisor.open({
      packKey,
      engine: fitToLevel(plugin.manifest, plugin.level, engines).engine,
      level: plugin.level,
      code: code.bundle,
      sourceName: plugin.manifest.runtime.entry,
      limits: plugin.limits,
      // What `run` gave to the sandbox comes back as it was: identity is the channel, never what is said on it.
      onRequest: ({ call, method, value }) => broker.request(call.caller as ServiceCall, method, value),
      // What a trial says, the release says again when it takes over.
      onLog: (line) => void (isTrial || onLog?.({ ...line, pluginId: id })),
    });
    plugin.compartments.set(keyOf(partition), compartment);
    return compartment;
  }

  #hold(packKey: string, plugin: InstalledPlugin): void {
    this.#packs.set(packKey, { plugin, isUnexplained: false });
    plugin.whenDisposed = () => {
      if (this.#packs.get(packKey)?.plugin === plugin) this.#packs.delete(packKey);
    };
  }

  /**
   * Which plugins share a sandbox host: nobody shares one yet. A process of its own for each plugin is
   * stricter than every level asks for, and costs memory only.
   */
  #packKeyOf(plugin: InstalledPlugin): string {
    const { id } = plugin.manifest;
    const grants = this.#parts.grants.permissionsOf(id);
    return `${plugin.level}/${id}${grants.some(needsOwnProcess) ? "/alone" : ""}${plugin.isTrial ? "/trial" : ""}`;
  }

  /** Reads the package again and compares it with what was installed: nobody edits a plugin on disk. */
  async #loadCode(plugin: InstalledPlugin): Promise<PluginCode> {
    const { id, version, runtime } = plugin.manifest;
    try {
      const { files, contentDigest } = readPackage(await this.#parts.packages.read(plugin.fileDigest));
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
}

/** When a call ends, for those who do something on its behalf. Most calls have nobody who wants to know. */
class CallLife {
  #controller: AbortController | undefined;
  #hasEnded = false;

  signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasEnded) this.#controller.abort();
    return this.#controller.signal;
  }

  end(): void {
    this.#hasEnded = true;
    this.#controller?.abort();
  }
}

/** Calls without a partition have a compartment of their own, whatever partitions are called. */
const keyOf = (partition: string | undefined): string => (partition === undefined ? "" : `user:${partition}`);

/** Places in a plugin's stack, turned into places of the author's source. */
async function withMappedStack(error: unknown, plugin: InstalledPlugin): Promise<unknown> {
  if (!(error instanceof SandboxError)) return error;
  const failure = error.details?.["plugin"] as PluginFailure | undefined;
  if (failure === undefined) return error;
  const code = await plugin.code;
  const stack = mapStack(failure.stack, plugin.manifest.runtime.entry, code?.sourceMap);
  return new SandboxError(error.code, error.message, { details: { ...error.details, plugin: { ...failure, stack } } });
}
