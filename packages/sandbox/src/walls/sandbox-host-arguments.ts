/** What a sandbox host is told on its command line. */
export interface SandboxHostArguments {
  /** Where its files lie, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What the sandbox host must take from itself, or not serve. Absent where it cannot: off Linux. */
  readonly confinement?: Confinement;
}

export interface Confinement {
  /** Files that it may have open. */
  readonly maxOpenFiles: number;
  /** Threads and processes that its user may have; absent where others have the same user. */
  readonly maxThreads?: number;
  /**
   * The filter that it puts on itself. `serving` only under a launcher's filter: without one, Node has an io_uring by
   * then, and the operations of a ring pass no filter.
   */
  readonly filter: "serving" | "basic";
}

/** Node itself uses some twenty files. It has eleven threads, and isolated-vm some more for each isolate at work. */
export const RESOURCES = { maxOpenFiles: 64, maxThreads: 64 } as const;

export const formatArguments = (said: SandboxHostArguments): string => JSON.stringify(said);

/** The text comes from the embedding process, which is trusted; it is read before any foreign byte. */
export const parseArguments = (text: string): SandboxHostArguments => JSON.parse(text) as SandboxHostArguments;
