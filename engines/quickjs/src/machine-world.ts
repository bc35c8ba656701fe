/** What the world outside is to a machine. Nothing else reaches in. */
export interface MachineWorld {
  /** Milliseconds since 1970 that the guest sees. */
  nowMs(): number;
  /** Asked every few thousand steps; true ends the guest's work. */
  isOverdue(): boolean;
  /** The guest called host function `name`; what it answers becomes the function's value. */
  hear(name: number, read: ArgumentReader): number | string | undefined;
}

/** Reads the arguments of a host function. The guest is hostile: what is not of the kind asked for is `undefined`. */
export interface ArgumentReader {
  readonly count: number;
  number(index: number): number | undefined;
  text(index: number): string | undefined;
  bytes(index: number): Uint8Array | undefined;
}
