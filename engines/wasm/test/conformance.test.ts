import { wasm, wasmFresh } from "@berth/engine-wasm";

import { contractSuite } from "../../../packages/sandbox/conformance/contract.ts";
import { fixture } from "./compartment.ts";

const bundle = { code: fixture("extism-kit"), sourceName: "plugin.wasm" };
for (const engine of [wasm(), wasmFresh()]) await contractSuite(engine, bundle);
