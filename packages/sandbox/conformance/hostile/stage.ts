import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import type { Limits, SecurityLevel } from "@berth/spec";

import type { EngineDescriptor } from "../../src/engine.ts";
import { SandboxError } from "../../src/errors.ts";
import { Supervisor } from "../../src/node-supervisor.ts";
import { openPlugin } from "../open-plugin.ts";
import type { OpenPlugin } from "../open-plugin.ts";
import { HOSTILE_LIMITS, bundleOf } from "./attack.ts";
import type { Attack, Scene } from "./attack.ts";
import { descendants } from "./descendants.ts";
import { machineSettings } from "./machine-settings.ts";
import { StallWatch } from "./stall-watch.ts";

/** Honest plugins are not hurried: what fails them must be an attack. */
const HONEST: Limits = { memoryMiB: 32, cpuMs: 20_000, wallMs: 120_000 };
const HONEST_JAVASCRIPT = bundleOf({ action: "() => null" });
/** How long ended processes may take to be gone. */
const GONE_TRIES = 3_000;

/** After these the process itself may be gone, and one that crashes often is started later and later. */
const COSTS_THE_PROCESS: ReadonlySet<string> = new Set(["SANDBOX_CRASHED", "SANDBOX_MEMORY", "SANDBOX_PROTOCOL"]);

/**
 * Where attacks are played: one supervisor, a stranger in a process of its own, and a cellmate in the attacker's
 * process where the engine lets processes be shared. Nothing is started before the first attack.
 */
export class Stage {
  readonly #engine: EngineDescriptor;
  readonly #level: SecurityLevel;
  readonly #honest: string | Uint8Array;
  readonly #settings = machineSettings();
  readonly #processes = descendants();
  readonly #descriptors = openDescriptors();
  readonly #supervisor = new Supervisor();
  readonly #stalls = new StallWatch();
  readonly #stranger: OpenPlugin;
  #cellmate: OpenPlugin | undefined;
  /** Attackers share a process with the cellmate until it had to bear too much. */
  #cell = 0;
  #plugins = 0;
  #isSpent = true;

  /** `honest` is the bundle of neighbours; it has an action `echo`. */
  constructor(engine: EngineDescriptor, level: SecurityLevel, honest: string | Uint8Array = HONEST_JAVASCRIPT) {
    this.#engine = engine;
    this.#level = level;
    this.#honest = honest;
    this.#stranger = this.#open(this.#newPlugin(), "stranger", honest, HONEST);
  }

  /** A name that no plugin of this stage had: who was in a lost process is remembered by name. */
  #newPlugin(): string {
    this.#plugins += 1;
    return `plugin ${this.#plugins}`;
  }

  #open(
    plugin: string,
    packKey: string,
    code: string | Uint8Array,
    limits: Limits,
    onRequest?: Attack["respond"],
  ): OpenPlugin {
    const options = { supervisor: this.#supervisor, plugin, packKey, level: this.#level, limits };
    return openPlugin(this.#engine, code, { ...options, ...(onRequest !== undefined && { onRequest }) });
  }

  #renewCell(): OpenPlugin {
    if (this.#cellmate !== undefined && !this.#isSpent) return this.#cellmate;
    this.#cellmate?.compartment[Symbol.dispose]();
    this.#cell += 1;
    this.#isSpent = false;
    return (this.#cellmate = this.#open(this.#newPlugin(), this.#besideKey, this.#honest, HONEST));
  }

  get #cellKey(): string {
    return `cell ${this.#cell}`;
  }

  /** As hosts pack them: a process that runs one call at a time, or is isolated, belongs to one plugin. */
  get #isShared(): boolean {
    return this.#engine.callsPerProcess !== 1 && this.#level !== "isolated";
  }

  get #besideKey(): string {
    return this.#isShared ? this.#cellKey : `${this.#cellKey}, beside`;
  }

  /** Plays one attack and asserts what becomes of everybody. Answers with the longest stall of the embedding event loop, ms. */
  async play(kind: string, attack: Attack): Promise<number> {
    const cellmate = this.#renewCell();
    const opened: OpenPlugin[] = [];
    const attackerName = this.#newPlugin();
    const openAttacker = (limits: Limits): OpenPlugin => {
      const plugin = this.#open(attackerName, this.#cellKey, attack.module ?? bundleOf(attack), limits, attack.respond);
      opened.push(plugin);
      return plugin;
    };
    const attacker = openAttacker({ ...HOSTILE_LIMITS, ...attack.limits });
    const openCellmate: Scene["openCellmate"] = ({ top = "", limits = HONEST } = {}) => {
      const bundle = typeof this.#honest === "string" ? bundleOf({ top, action: "() => null" }) : this.#honest;
      const plugin = this.#open(this.#newPlugin(), this.#besideKey, bundle, limits);
      opened.push(plugin);
      return plugin;
    };
    try {
      assert.equal(await this.#stranger.call("echo", "before"), "before");
      assert.equal(await cellmate.call("echo", "before"), "before");
      this.#stalls.takeLongestMs();
      await this.#attack(attack, { engine: this.#engine, attacker, openCellmate }, cellmate);
      assert.equal(await this.#stranger.call("echo", "after"), "after");
      await this.#answersAgain(cellmate);
      const stallMs = this.#stalls.takeLongestMs();
      attacker.compartment[Symbol.dispose]();
      if (this.#canEcho(attack)) await this.#answersAgain(openAttacker(HONEST));
      return stallMs;
    } finally {
      for (const plugin of opened) plugin.compartment[Symbol.dispose]();
      if (kind === "memory" || kind === "stack") this.#isSpent = true;
    }
  }

  /** What could not be loaded never will be, and not every module has the action. */
  #canEcho({ module, top, ends }: Attack): boolean {
    if (module !== undefined) return module === this.#honest;
    return top?.includes("for (;;);") !== true && !ends.includes("SANDBOX_LOAD_FAILED");
  }

  /** What went on for nobody may take the process with it while it is called; then the next call is answered. */
  async #answersAgain(plugin: OpenPlugin): Promise<void> {
    const ending = await endingOf(plugin.call("echo", "after"));
    this.#verifyBeside(ending);
    if (ending !== "answers") assert.equal(await plugin.call("echo", "after that"), "after that");
  }

  #verifyBeside(ending: string): void {
    if (ending === "answers") return;
    this.#isSpent = true;
    // What was under way in a process that was lost to a plugin in it.
    const isNeighbour = this.#isShared && ending === "SANDBOX_NEIGHBOUR";
    assert.ok(isNeighbour, `the call of the plugin beside the attacker ended as ${ending}`);
  }

  /** All calls are awaited, also when one of them fails: nothing is left under way. */
  async #attack(attack: Attack, scene: Scene, cellmate: OpenPlugin): Promise<void> {
    const attacked = attack.play?.(scene) ?? this.#endAsTold(attack, scene.attacker);
    const elsewhere = this.#stranger.call("echo", "during");
    const beside = endingOf(cellmate.call("echo", "during"));
    const [played, answer, heard] = await Promise.allSettled([attacked, elsewhere, beside]);
    if (played.status === "rejected") throw played.reason;
    assert.deepEqual(answer, { status: "fulfilled", value: "during" }, "the call of a plugin in another process");
    this.#verifyBeside(heard.status === "fulfilled" ? heard.value : String(heard.reason));
  }

  async #endAsTold({ ends, input = null, ...attack }: Attack, attacker: OpenPlugin): Promise<void> {
    const call = attacker.call(attack.module === undefined ? "attack" : attack.action, input);
    const ending = await endingOf(call);
    if (COSTS_THE_PROCESS.has(ending)) this.#isSpent = true;
    assert.ok((ends as readonly string[]).includes(ending), `it ended as ${ending}, expected ${ends.join(" or ")}`);
    if (ending === "answers" && "answer" in attack) assert.deepEqual(await call, attack.answer);
  }

  /** Ends everything; asserts that no process, no descriptor of this one and no changed setting is left behind. */
  async close(): Promise<void> {
    this.#supervisor.close();
    this.#stalls[Symbol.dispose]();
    const leftBehind = (): [number, string][] => [...descendants()].filter(([pid]) => !this.#processes.has(pid));
    for (let tries = 0; tries < GONE_TRIES && leftBehind().length > 0; tries += 1) await sleep(10);
    assert.deepEqual(leftBehind(), [], "processes");
    for (let tries = 0; tries < GONE_TRIES && openDescriptors() > this.#descriptors; tries += 1) await sleep(10);
    assert.ok(openDescriptors() <= this.#descriptors, "descriptors of the embedding process");
    assert.deepEqual(machineSettings(), this.#settings, "settings of the machine");
  }
}

/** How many descriptors this process has open; 0 where the system does not tell. */
const openDescriptors = (): number => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);

async function endingOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "answers";
  } catch (error) {
    return error instanceof SandboxError ? error.code : String(error);
  }
}
