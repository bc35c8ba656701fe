/** One sandbox-host process in service, as it is now. */
export interface ProcessState {
  readonly pid: number;
  /** Whose code is in it, or on its way there. */
  readonly plugins: ReadonlySet<string>;
  /** Whether code of several plugins was ever in it: then nobody can say whose its memory is. */
  readonly wasShared: boolean;
  readonly callsUnderWay: number;
  /** Bytes that it holds in all, and by how many it has grown since it was ready; `undefined` where the system does not tell. */
  readonly heldBytes?: number | undefined;
  readonly grownBytes?: number | undefined;
}
