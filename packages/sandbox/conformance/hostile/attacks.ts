import type { Attack } from "./attack.ts";
import { BRIDGE_ATTACKS } from "./bridge.ts";
import { CPU_ATTACKS } from "./cpu.ts";
import { ESCAPES } from "./escape.ts";
import { MEMORY_ATTACKS } from "./memory.ts";
import { NEIGHBOUR_ATTACKS } from "./neighbours.ts";
import { STACK_ATTACKS } from "./stack.ts";
import { STREAM_ATTACKS } from "./streams.ts";
import { TIME_ATTACKS } from "./time.ts";

/** Everything that a hostile plugin does from inside its engine, by class. */
export const ATTACKS: Readonly<Record<string, readonly Attack[]>> = {
  cpu: CPU_ATTACKS,
  memory: MEMORY_ATTACKS,
  stack: STACK_ATTACKS,
  escape: ESCAPES,
  bridge: BRIDGE_ATTACKS,
  neighbours: NEIGHBOUR_ATTACKS,
  streams: STREAM_ATTACKS,
  time: TIME_ATTACKS,
};
