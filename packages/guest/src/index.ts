export { PLUGIN_GLOBAL, boot, reportFailure } from "./bootstrap.ts";
export { GUEST_GLOBALS } from "./intrinsics.ts";
export { GuestSignal } from "./port.ts";
export type { GuestEntry, PostToEngine } from "./port.ts";
