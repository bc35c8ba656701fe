export { isolate } from "./isolate.ts";
