export { PLUGIN_GLOBAL, boot, reportFailure } from "./bootstrap.ts";
export { GUEST_GLOBALS } from "./intrinsics.ts";
export { LIBRARY_PARTS, formatPartScript, partsNeededBy } from "./library-part.ts";
export type { LibraryPart } from "./library-part.ts";
export { GuestSignal } from "./port.ts";
export type { GuestEntry, Outside, PartMaker, PostToEngine } from "./port.ts";
