import { readPackage } from "@berth/archive";
import { SandboxError, isCrash } from "@berth/sandbox";
import type {
  EndReason,
  EngineDescriptor,
  Loss,
  PluginFailure,
  SandboxCall,
  SupervisedCompartment,
  Supervisor,
} from "@berth/sandbox";
import { DEFAULT_STREAM_MS } from "@berth/spec";
import type { ActionDeclaration, DataLabel, Permission } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import type { Broker } from "../broker/broker.ts";
import { mintEffectKey, repeatedKey } from "../broker/keyed-effects.ts";
import type { CallOrigin, EffectKey, ServiceCall } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import { verifyNeedsOf } from "../graph/unmet-needs.ts";
import type { PackageFolder } from "../install/node-package-folder.ts";
import { fitToLevel } from "../install/fit-to-level.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Rights } from "../rights/rights.ts";
import { CallLabel } from "../labels/call-label.ts";
import type { HeardLabel } from "../labels/heard-label.ts";
import { InstanceLabel } from "../labels/instance-label.ts";
import { admitLine } from "../labels/labelled-log.ts";
import type { LogSink } from "../labels/labelled-log.ts";
import { InstalledPlugin } from "./installed-plugin.ts";
import type { PluginCode, ReleaseFacts } from "./installed-plugin.ts";
import { mapStack } from "./node-source-map.ts";
import { packKeyOf } from "./packing.ts";

/** What sets the process of a release apart that is only tried. No id of a plugin has this in it. */
const TRIAL = "/trial-";

/** Whether the sandbox speaks of a release that is only tried. */
export const isTrial = (plugin: string): boolean => plugin.includes(TRIAL);

/** What compartments are opened with. All of it belongs to the host. */
export interface CompartmentParts {
  readonly supervisor: Supervisor;
  readonly packages: PackageFolder;
  readonly plugins: PluginTable;
  readonly rights: Rights;
  readonly broker: Broker;
  readonly engines: readonly EngineDescriptor[];
  readonly events: EventSink;
  readonly log: LogSink;
  /** Hears now and then what a process has grown by that never held another plugin. */
  readonly onMemory: (pluginId: string, grownBytes: number) => void;
  /** Hears when a process was lost to a plugin, for whatever reason. */
  readonly onLoss: (pluginId: string, reason: EndReason) => void;
  /** Hears when a plugin's process crashed, and nobody else's code was ever in it. */
  readonly onCrash: (pluginId: string) => void;
  /** Hears when a process crashed in which the plugin was at work, whoever else was in it. */
  readonly onCrashAtWork: (pluginId: string) => void;
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
  readonly onProgress?: SandboxCall["onProgress"];
  /** Where the items go of an action that streams. */
  readonly items?: SandboxCall["items"];
  /** Hears that the call is made once more. */
  readonly onRetry?: () => void;
  /** Of the input. */
  readonly label?: DataLabel | undefined;
  /** Follows the label of each attempt. */
  readonly heard?: HeardLabel | undefined;
}

/** A release that is not installed, and its code. */
export interface Trial {
  readonly facts: ReleaseFacts;
  readonly code: PluginCode;
}

/** Whose a compartment is. */
interface Owner {
  readonly plugin: InstalledPlugin;
  /** What the plugin's table calls it. */
  readonly key: string;
}

/** The running instances of plugins: opened when first called, keyed by plugin, release and partition. */
export class Compartments {
  readonly #parts: CompartmentParts;
  /** Whose an open compartment is, and what its plugin calls it. */
  readonly #owners = new WeakMap<SupervisedCompartment, Owner>();

  #lastTrial = 0;

  constructor(parts: CompartmentParts) {
    this.#parts = parts;
  }

  /** A process is gone. That is the plugin's crash when nobody else's code was ever in it. */
  noteLoss(loss: Loss): void {
    const { plugins, events, onLoss, onCrash, onCrashAtWork } = this.#parts;
    for (const pluginId of strickenBy(loss)) {
      const record = plugins.find(pluginId);
      if (record === undefined) continue;
      record.losses += 1;
      onLoss(pluginId, loss.reason);
    }
    // One that held no plugin yet may be the machine's fault; whoever waits for it hears so, as of a trial.
    if (loss.plugins.every(isTrial)) return;
    const { reason, plugins: pluginIds, atWork, lastWords } = loss;
    events.emit({ kind: "process-lost", reason, pluginIds, atWork, lastWords });
    const [alone, ...others] = pluginIds;
    if (!isCrash(loss)) return;
    for (const pluginId of atWork) if (plugins.find(pluginId) !== undefined) onCrashAtWork(pluginId);
    if (alone !== undefined && others.length === 0) onCrash(alone);
  }

  /** Nobody called it for long. */
  noteHibernation(compartment: SupervisedCompartment): void {
    const owner = this.#owners.get(compartment);
    if (owner === undefined) return;
    const { plugin, key } = owner;
    if (plugin.compartments.get(key) !== compartment) return;
    plugin.hibernate(key);
    if (plugin.isHibernating) this.#parts.events.emit({ kind: "hibernated", pluginId: plugin.manifest.id });
  }

  /**
   * Runs a call. One that was lost by what may be a neighbour's fault is made once more, within the time that it had,
   * if it promised that this changes nothing: of a pure one the broker refused every effect, and of an idempotent one it
   * remembers them. Whoever was at work in a process that crashed runs alone by then, so a second crash is its own.
   *
   * @throws SandboxError, HostError HOST_PACKAGE_DAMAGED
   */
  async run(plugin: InstalledPlugin, call: CompartmentCall): Promise<WireValue> {
    const { effect, limits } = plugin.manifest.contributes.actions[call.action] ?? {};
    if (effect === undefined) return this.#attempt(plugin, call, undefined);
    const effectKey = call.effectKey ?? (effect === "idempotent" ? mintEffectKey() : undefined);
    const untilAt = performance.now() + (limits?.wallMs ?? plugin.limits.wallMs);
    try {
      return await this.#attempt(plugin, call, effectKey);
    } catch (error) {
      const { signal, items, onRetry } = call;
      const isWanted = signal?.aborted !== true && items === undefined && performance.now() < untilAt;
      if (!isWanted || !mayBeInnocent(error) || effectKey?.remembered.mayRepeat === false) throw error;
      onRetry?.();
      return this.#attempt(plugin, call, effectKey && repeatedKey(effectKey), untilAt);
    }
  }

  async #attempt(
    plugin: InstalledPlugin,
    call: CompartmentCall,
    effectKey: EffectKey | undefined,
    untilAt?: number,
  ): Promise<WireValue> {
    const { action, input, partition, callerRights, signal, origin, onUsage, onProgress, items } = call;
    const declared = plugin.manifest.contributes.actions[action];
    const own = declared?.limits;
    const compartment =
      this.#find(plugin, partition, own?.memoryMiB) ?? (await this.#open(plugin, partition, own?.memoryMiB));
    const { id, version, permissions } = plugin.manifest;
    const about = JSON.stringify({ plugin: { id, version }, action, event: origin?.event });
    const effect = declared?.effect;
    const deadlineAt = untilAt ?? (items === undefined ? undefined : performance.now() + streamMsOf(own));
    const life = new CallLife();
    const label = new CallLabel(call.label);
    call.heard?.follow(label);
    const caller: ServiceCall = {
      pluginId: id,
      version,
      permissions,
      action,
      effect,
      sharesProcess: compartment.plan.packKey !== undefined,
      partition,
      callerRights,
      chain: origin?.chain ?? [],
      through: origin?.through,
      deadlineAt: Math.min(
        origin?.deadlineAt ?? Infinity,
        deadlineAt ?? performance.now() + (own?.wallMs ?? plugin.limits.wallMs),
      ),
      tree: origin?.tree ?? { underWay: 0 },
      hops: origin?.hops ?? 0,
      effectKey,
      grantedOnce: [],
      label,
      signal: () => life.signal(),
    };
    try {
      const onEnter = (instance: unknown): void => label.enter(instance);
      const sent = { action, input, caller, about, signal, onUsage, onEnter, onProgress, items, deadlineAt };
      return await compartment.call(own === undefined ? sent : { ...sent, cpuMs: own.cpuMs, wallMs: own.wallMs });
    } catch (error) {
      throw await withMappedStack(error, plugin);
    } finally {
      life.end();
      label.leave();
    }
  }

  /** The running instance, unless what the plugin may do has changed so that it must not run there any more. */
  #find(plugin: InstalledPlugin, partition: string | undefined, memoryMiB?: number): SupervisedCompartment | undefined {
    const key = keyOf(partition, memoryMiB);
    const compartment = plugin.compartments.get(key);
    if (compartment === undefined || compartment.plan.packKey === this.#packKeyOf(plugin)) return compartment;
    plugin.retireCompartment(key);
    return undefined;
  }

  #packKeyOf({ manifest, level, ownProcessPermissions, trial }: InstalledPlugin): string | undefined {
    if (trial !== undefined) {
      const key = packKeyOf(manifest.id, level, ownProcessPermissions.length > 0);
      return key && `trial ${trial} of ${key}`;
    }
    return packKeyOf(manifest.id, level, this.#parts.rights.mayHoldAny(manifest.id, ownProcessPermissions));
  }

  /**
   * Starts a plugin's instance for calls without a partition ahead of the first one: loaded, or nothing of it is
   * left. The machine has ten seconds to start a process, the plugin's top level its wall time.
   *
   * @throws SandboxError, HostError HOST_PACKAGE_DAMAGED, HOST_DEPENDENCY_UNMET
   */
  async load(plugin: InstalledPlugin): Promise<void> {
    const key = keyOf(undefined);
    const compartment = this.#find(plugin, undefined) ?? (await this.#open(plugin, undefined));
    try {
      await compartment.load();
    } catch (error) {
      if (plugin.compartments.get(key) === compartment) plugin.compartments.delete(key);
      compartment[Symbol.dispose]();
      throw await withMappedStack(error, plugin);
    }
  }

  /**
   * Loads releases that are not installed, and ends them again: whether they can take over. They share processes as
   * their levels allow, with each other and nobody else. For each comes what `load` throws, or nothing.
   */
  async tryLoading(trials: readonly Trial[]): Promise<unknown[]> {
    this.#lastTrial += 1;
    const releases = trials.map(({ facts, code }) => {
      const release = new InstalledPlugin(facts);
      release.trial = this.#lastTrial;
      release.code = Promise.resolve(code);
      return release;
    });
    try {
      return await Promise.all(
        releases.map((release) =>
          this.load(release).then(
            () => undefined,
            (error: unknown) => error,
          ),
        ),
      );
    } finally {
      for (const release of releases) release.end();
    }
  }

  async #open(
    plugin: InstalledPlugin,
    partition: string | undefined,
    memoryMiB?: number,
  ): Promise<SupervisedCompartment> {
    const { supervisor, broker, engines, events, log, onMemory, plugins } = this.#parts;
    const { trial } = plugin;
    // What a trial needs may be tried beside it; whoever installs them compares their needs.
    if (trial === undefined) verifyNeedsOf(plugin.manifest, { get: (id) => plugins.find(id)?.facts.manifest });
    const code = await (plugin.code ??= this.#loadCode(plugin));
    const key = keyOf(partition, memoryMiB);
    const existing = this.#find(plugin, partition, memoryMiB);
    if (existing !== undefined) return existing;
    const { id } = plugin.manifest;
    if (plugin.hasEnded) throw new HostError("HOST_PLUGIN_NOT_ENABLED", `${id} was switched off during the call`);
    if (plugin.isHibernating) events.emit({ kind: "woken", pluginId: id });
    plugin.isHibernating = false;
    const { engine } = fitToLevel(plugin.manifest, plugin, engines);
    const compartment = supervisor.open({
      plugin: trial === undefined ? id : `${id}${TRIAL}${trial}`,
      packKey: this.#packKeyOf(plugin),
      engine,
      level: plugin.level,
      isFresh: plugin.isFresh,
      code: code.bundle,
      sourceName: plugin.manifest.runtime.entry,
      limits: memoryMiB === undefined ? plugin.limits : { ...plugin.limits, memoryMiB },
      // What `run` gave to the sandbox comes back as it was: identity is the channel, never what is said on it.
      onRequest: ({ call, method, value }) => broker.request(call.caller as ServiceCall, method, value),
      // What a trial says, the release says again when it takes over.
      onMemory: (bytes) => void (trial === undefined && onMemory(id, bytes)),
      onLog(line, instance) {
        const admitted =
          trial === undefined
            ? admitLine(line, id, instance as InstanceLabel, log.logTakesLabelled === true)
            : undefined;
        if (admitted !== undefined) log.onLog?.(admitted);
      },
      makeInstance: () => new InstanceLabel(engine.isFresh === true),
    });
    plugin.compartments.set(key, compartment);
    this.#owners.set(compartment, { plugin, key });
    return compartment;
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

/**
 * Calls without a partition have a compartment of their own, whatever partitions are called, and so have those of
 * actions with less memory than their plugin.
 */
function keyOf(partition: string | undefined, memoryMiB?: number): string {
  const key = partition === undefined ? "" : `user:${partition}`;
  return memoryMiB === undefined ? key : `memory:${memoryMiB}/${key}`;
}

const streamMsOf = (limits: ActionDeclaration["limits"]): number => limits?.streamMs ?? DEFAULT_STREAM_MS;

/** Whom a loss cost work: those at it, or the one that had the process for itself. */
const strickenBy = ({ plugins, atWork }: Loss): readonly string[] =>
  atWork.length === 0 && plugins.length === 1 ? plugins : atWork;

/** Whether a call may have been lost by what another plugin did. */
const mayBeInnocent = (error: unknown): boolean =>
  error instanceof SandboxError && (error.code === "SANDBOX_NEIGHBOUR" || error.details?.["sharedProcess"] === true);

/** Places in a plugin's stack, turned into places of the author's source. */
async function withMappedStack(error: unknown, plugin: InstalledPlugin): Promise<unknown> {
  if (!(error instanceof SandboxError)) return error;
  const failure = error.details?.["plugin"] as PluginFailure | undefined;
  if (failure === undefined) return error;
  const code = await plugin.code;
  const stack = mapStack(failure.stack, plugin.manifest.runtime.entry, code?.sourceMap);
  return new SandboxError(error.code, error.message, { details: { ...error.details, plugin: { ...failure, stack } } });
}
