import { encodedAddresses, exfiltration } from "./exfiltration.ts";
import { execution } from "./execution.ts";
import { fifthSet } from "./fifth-set.ts";
import { fourthSet } from "./fourth-set.ts";
import { hiding } from "./hiding.ts";
import { packages } from "./packages.ts";
import { secondSet } from "./second-set.ts";
import { tampering } from "./tampering.ts";
import { thirdSet } from "./third-set.ts";
import type { Technique } from "./technique.ts";

/** Every technique with the project's own programs: hostile variants and honest look-alikes. */
export const corpus: readonly Technique[] = [
  ...exfiltration,
  encodedAddresses,
  ...execution,
  ...hiding,
  ...tampering,
  ...packages,
  thirdSet,
  fourthSet,
  fifthSet,
  ...Object.entries(secondSet).map(([name, hostile]): Technique => ({ name, hostile, honest: [] })),
];
