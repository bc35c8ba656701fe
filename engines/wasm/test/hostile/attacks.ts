import { attack } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import type { Attack, Ending } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import { fixture } from "../compartment.ts";
import { FUNCTION, buildModule } from "../module-builder.ts";

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

/** What a hostile module does, and what is no module. */
export const WASM_ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  cpu: [
    kit("a loop in compiled code", "loops", ["SANDBOX_CPU"]),
    built("a loop of two instructions", ["SANDBOX_CPU"], buildModule({ code: LOOP })),
  ],
  memory: [
    kit("memory that grows until there is none", "grows", ["answers"]),
    kit("memory that is filled without end", "fillsMemory", ["SANDBOX_PLUGIN_THREW", "SANDBOX_MEMORY", "SANDBOX_CPU"]),
    kit("blocks of the host's without end", "fillsKernel", ["SANDBOX_PLUGIN_THREW"]),
    kit("variables of the host's without end", "fillsVars", ["SANDBOX_PLUGIN_THREW"]),
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
