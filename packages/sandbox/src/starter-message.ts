// What the embedding process and its starter say to each other, as structured clones over the channel between them.
import type { ProgramConfinement, ProgramOutcome, ProgramRun } from "./node-program.ts";
import type { ProcessIdentity } from "./walls/node-process-life.ts";
import type { SpawnDescription } from "./walls/wall.ts";

/** A process to start; everything of a description but its `release`, which the embedding process calls. */
export type StartOrder = Omit<SpawnDescription, "release">;

/** A program to run: everything of a run but its input, which follows in pieces, and its signal, which is a word. */
export interface ProgramOrder extends Omit<ProgramRun, "folder" | "input" | "signal">, ProgramConfinement {
  readonly folder: HeldFolder;
  readonly inputBytes: number;
}

/** A folder that the embedding program holds open: as long as it does, no other one has both numbers. */
export interface HeldFolder {
  readonly path: string;
  readonly isWritable: boolean;
  readonly device: bigint;
  readonly inode: bigint;
}

/** What came of a run. What it wrote follows in pieces, standard output first. */
export type ProgramReport =
  | Exclude<ProgramOutcome, { kind: "exited" }>
  | {
      readonly kind: "exited";
      readonly exitCode: number;
      readonly stdoutBytes: number;
      readonly stderrBytes: number;
    };

/** Input and output are sent in pieces of so many bytes: other messages come between them. */
export const PIECE_BYTES = 65_536;

export type ToStarter =
  | { readonly kind: "start"; readonly id: number; readonly order: StartOrder }
  | { readonly kind: "run"; readonly id: number; readonly order: ProgramOrder }
  | { readonly kind: "input"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "kill"; readonly id: number }
  /** No more orders come: it ends after the last process. */
  | { readonly kind: "close" };

/** `connected` carries the pipe beside it. */
type FromHost =
  | { readonly kind: "connected"; readonly id: number; readonly spawnedId: number }
  | { readonly kind: "known-as"; readonly id: number; readonly processId: number }
  | { readonly kind: "said"; readonly id: number; readonly words: string }
  | { readonly kind: "ended"; readonly id: number; readonly why: string };

type FromProgram =
  | { readonly kind: "launched"; readonly id: number; readonly launcher: ProcessIdentity }
  /** Nothing but its filter is wanting, and it takes its input. */
  | { readonly kind: "waits"; readonly id: number; readonly program: ProcessIdentity }
  | { readonly kind: "reported"; readonly id: number; readonly report: ProgramReport }
  | { readonly kind: "output"; readonly id: number; readonly bytes: Uint8Array };

export type FromStarter = FromHost | FromProgram;
