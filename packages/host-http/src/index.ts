export { DATA_LABEL_HEADER } from "./data-label-header.ts";
export { HostHttpError, hostHttpErrors } from "./errors.ts";
export type { HostHttpErrorCode } from "./errors.ts";
export { addHostApi } from "./host-api.ts";
export { proofOf } from "./proof.ts";
export { startHostServer } from "./start-host-server.ts";
export type { HostServer } from "./start-host-server.ts";
