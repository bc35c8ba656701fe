export { makeRelease } from "./make-release.ts";
export type { MadeRelease, ReleaseParts } from "./make-release.ts";
export { RegistryFiles } from "./registry-files.ts";
export { serveFiles } from "./node-serve-files.ts";
export type { FileServer, Misbehaviour } from "./node-serve-files.ts";
