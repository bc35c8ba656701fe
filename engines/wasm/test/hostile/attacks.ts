import assert from "node:assert/strict";

import { attack } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import type { Attack, Ending, Scene } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import { fixture } from "../compartment.ts";
import { FUNCTION, buildModule } from "../module-builder.ts";
import { SEARCHES } from "../searching-module.ts";

/** A plugin of Extism's kit, whose actions are attacks, and which answers `echo`. */
export const KIT = fixture("extism-kit");

const kit = (name: string, action: string, ends: readonly Ending[]): Attack =>
  attack(name, action, ends, { module: KIT });
const built = (name: string, ends: readonly Ending[], module: Uint8Array): Attack =>
  attack(name, "run", ends, { module });
const REFUSED: readonly Ending[] = ["SANDBOX_LOAD_FAILED"];

/** `loop { br 0 }` */
const LOOP = [0x03, 0x40, 0x0c, 0x00, 0x0b];
const UNREACHABLE = 0x00;

/** The caller is free at once, whatever the module does. */
async function leave(attacker: Scene["attacker"], action: string): Promise<void> {
  const stop = new AbortController();
  const call = attacker.call(action, null, stop.signal);
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(call, { code: "SANDBOX_CANCELLED" });
}

/** What a hostile module does, and what is no module. */
export const WASM_ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  cpu: [
    kit("a loop in compiled code", "loops", ["SANDBOX_CPU"]),
    built("a loop of two instructions", ["SANDBOX_CPU"], buildModule({ code: LOOP })),
  ],
  memory: [
    kit("memory that grows until there is none", "grows", ["answers"]),
    kit("memory that is filled without end", "fillsMemory", ["SANDBOX_PLUGIN_THREW", "SANDBOX_MEMORY", "SANDBOX_CPU"]),
    kit("blocks of the host's without end", "fillsKernel", ["SANDBOX_PLUGIN_THREW", "SANDBOX_CPU"]),
    kit("variables of the host's without end", "fillsVars", ["SANDBOX_PLUGIN_THREW", "SANDBOX_CPU"]),
    built("four gigabytes at once", REFUSED, buildModule({ memories: [1, 0x00, 0x80, 0x80, 0x04] })),
    built("a table of a hundred million", REFUSED, buildModule({ tables: [1, 0x70, 0x00, 0x80, 0xc2, 0xd7, 0x2f] })),
  ],
  stack: [kit("a function without bottom", "recurses", ["SANDBOX_PLUGIN_THREW"])],
  escape: [
    kit("a look outside its memory", "readsOutside", ["SANDBOX_PLUGIN_THREW"]),
    built(
      "an import that nobody gives",
      REFUSED,
      buildModule({ imports: [{ module: "env", name: "x", descriptor: FUNCTION }] }),
    ),
    built(
      "files and clocks by WASI",
      REFUSED,
      buildModule({ imports: [{ module: "wasi_snapshot_preview1", name: "fd_read", descriptor: FUNCTION }] }),
    ),
  ],
  neighbours: [
    attack("looking for a neighbour's bytes in its own memory and the host's", "run", ["answers"], {
      module: SEARCHES,
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate();
        const secret = "the neighbour's own secret ".repeat(1_000);
        assert.equal(await neighbour.call("echo", secret), secret);
        neighbour.compartment[Symbol.dispose]();
        // It answers another code when it finds a byte that is not zero.
        assert.equal(await attacker.call("run"), null);
      },
    }),
    attack("marks in all the memory that it reaches", "run", ["answers"], {
      module: SEARCHES,
      play: async ({ attacker, openCellmate }) => {
        const neighbour = openCellmate();
        assert.equal(await neighbour.call("echo", "before"), "before");
        assert.equal(await attacker.call("run"), null);
        for (const value of ["after", "x".repeat(60_000)]) assert.equal(await neighbour.call("echo", value), value);
      },
    }),
    attack("twenty calls at a time that all loop", "loops", ["SANDBOX_CPU"], {
      module: KIT,
      play: async ({ attacker }) => {
        const endings = await Promise.allSettled(Array.from({ length: 20 }, () => attacker.call("loops")));
        for (const { status } of endings) assert.equal(status, "rejected");
      },
    }),
  ],
  time: [
    built("a loop while it is loaded", ["SANDBOX_CPU"], buildModule({ start: LOOP })),
    attack("a caller who leaves while the module is loaded does not wait for it", "run", ["SANDBOX_CANCELLED"], {
      module: buildModule({ start: LOOP }),
      limits: { cpuMs: 1_000 },
      // Who waited would hear of the CPU time instead.
      play: ({ attacker }) => leave(attacker, "run"),
    }),
    attack("a loop that goes on when its call was cancelled", "loops", ["SANDBOX_CANCELLED"], {
      module: KIT,
      limits: { cpuMs: 5_000 },
      play: ({ attacker }) => leave(attacker, "loops"),
    }),
    attack("a storm of cancellations", "vowels", ["SANDBOX_CANCELLED"], {
      module: KIT,
      limits: { cpuMs: 10_000 },
      play: async ({ attacker }) => {
        await attacker.call("echo");
        const endings = Array.from({ length: 200 }, (_, index) => {
          const stop = new AbortController();
          const call = attacker.call("vowels", "aeiou".repeat(1_000), stop.signal).then(
            () => "answered",
            ({ code }: { code?: string }) => code,
          );
          if (index % 3 === 0) stop.abort();
          else setTimeout(() => stop.abort(), index % 11);
          return call;
        });
        for (const ending of await Promise.all(endings))
          assert.ok(["answered", "SANDBOX_CANCELLED"].includes(String(ending)), String(ending));
      },
    }),
  ],
  bridge: [
    kit("an answer that is not JSON", "writesText", ["SANDBOX_PLUGIN_THREW"]),
    kit("a failure without words", "failsSilently", ["SANDBOX_PLUGIN_THREW"]),
    kit("an abort", "aborts", ["SANDBOX_PLUGIN_THREW"]),
    built("an instruction that must not be reached", ["SANDBOX_PLUGIN_THREW"], buildModule({ code: [UNREACHABLE] })),
    built("nothing at all", REFUSED, new Uint8Array(0)),
    built("half a module", REFUSED, KIT.slice(0, KIT.length / 2)),
    built("a script", REFUSED, new TextEncoder().encode("var berthPlugin = { actions: { run: () => process } };")),
  ],
};
