export { parseUniverse } from "./parse-universe.ts";
export { resolveUniverse } from "./universe.ts";
export { resolve, resolveSync } from "./resolve.ts";
