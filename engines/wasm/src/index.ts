export { wasm, wasmFresh } from "./wasm.ts";
