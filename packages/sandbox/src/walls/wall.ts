// What the operating system adds around a sandbox host. One file per provider; `node-choose-wall.ts` picks one.

/**
 * From weakest to strongest. `process`: a process of its own, as the same user. `own-uid`: also a user of its own.
 * `full`: namespaces and both seccomp filters, and a user of its own where the embedding program may give one.
 */
export const WALL_STRENGTHS = ["process", "own-uid", "full"] as const;
export type WallStrength = (typeof WALL_STRENGTHS)[number];

/** A file of this machine that a sandbox host needs. */
export interface RuntimeFile {
  /** What the sandbox host asks for it by; a plain file name. */
  readonly name: string;
  readonly source: string;
}

/** What is to be run inside a wall: Node with one script. */
export interface Launch {
  /** Absolute path of Node. */
  readonly executable: string;
  readonly nodeFlags: readonly string[];
  /** Absolute path of the script. */
  readonly entry: string;
  /** What the script reads besides. */
  readonly files: readonly RuntimeFile[];
}

/** A pipe that only the launcher uses: it reads `bytes`, or tells Node's process id as JSON. */
export type LauncherPipe = { readonly kind: "input"; readonly bytes: Uint8Array } | { readonly kind: "process-id" };

/** A process as `child_process.spawn` takes it, but for standard streams and the sandbox host's pipe. */
export interface SpawnDescription {
  readonly command: string;
  readonly args: readonly string[];
  /** User and group of that number; without it, those of the embedding program. */
  readonly userId?: number;
  /** From descriptor 4 on. Without a `process-id` among them, the spawned process is Node itself. */
  readonly launcherPipes: readonly LauncherPipe[];
  /** To be called when the process is gone. */
  readonly release: () => void;
}

/** Something that the machine does not offer, in words for the person who can change it. */
export interface Missing {
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

/** A wall that was found to work on this machine for one launch. */
export interface Wall {
  /** The provider's name. */
  readonly name: string;
  readonly strength: WallStrength;
  /** A new description for each process: some hold a user id of their own. */
  describe(): SpawnDescription;
}

/** What a provider answers: a wall that was tried, or why there is none. */
export type WallOffer =
  | { readonly kind: "offered"; readonly wall: Wall }
  | { readonly kind: "missing"; readonly missing: Missing };
