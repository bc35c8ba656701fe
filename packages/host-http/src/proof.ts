import { createHmac } from "node:crypto";

/**
 * Shows that a server holds the token without sending it: after a host has died, another program may listen
 * on its port, and it must get neither the token nor anything that is meant for the host.
 */
export function proofOf(token: string, challenge: string): string {
  return createHmac("sha256", token).update(`berth host ${challenge}`).digest("hex");
}
