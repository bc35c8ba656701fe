// Entry of the guest script. Bundled into one classic script whose completion value is `boot`.
export { boot } from "./bootstrap.ts";
