import { ATTACKS_ON_FILES } from "./attacks-on-files.ts";
import { ATTACKS_ON_KERNEL } from "./attacks-on-kernel.ts";
import { ATTACKS_ON_NETWORK } from "./attacks-on-network.ts";
import { ATTACKS_ON_PROCESSES } from "./attacks-on-processes.ts";
import type { OsAttack } from "./os-attack.ts";

/** Everything that an attacker who owns the whole sandbox-host process tries against the machine. */
export const OS_ATTACKS: readonly OsAttack[] = [
  ...ATTACKS_ON_FILES,
  ...ATTACKS_ON_PROCESSES,
  ...ATTACKS_ON_NETWORK,
  ...ATTACKS_ON_KERNEL,
];
