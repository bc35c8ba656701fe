import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { wasm, wasmFresh } from "@berth/engine-wasm";
import type { EngineDescriptor } from "@berth/sandbox";

/** What the command line's hosts execute plugins with; the first that fits a plugin's runtime and level is taken. */
export const engines = (): readonly EngineDescriptor[] => [isolate(), quickjs(), wasm(), wasmFresh()];
