export { PLUGIN_GLOBAL } from "./bootstrap.ts";
export { GUEST_GLOBALS } from "./intrinsics.ts";
export { GuestSignal } from "./port.ts";
export type { GuestEntry, PostToEngine } from "./port.ts";
