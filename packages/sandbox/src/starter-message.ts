// What the embedding process and its starter say to each other, as JSON over the channel between them.
import type { SpawnDescription } from "./walls/wall.ts";

/** Bytes as base64. */
type Encoded<Pipe> = Pipe extends { readonly bytes: Uint8Array }
  ? Omit<Pipe, "bytes"> & { readonly bytes: string }
  : Pipe;

/** A process to start; everything of a description but its `release`, which the embedding process calls. */
export interface StartOrder extends Omit<SpawnDescription, "release" | "launcherPipes"> {
  readonly launcherPipes: readonly Encoded<SpawnDescription["launcherPipes"][number]>[];
}

export type ToStarter =
  | { readonly kind: "start"; readonly id: number; readonly order: StartOrder }
  | { readonly kind: "kill"; readonly id: number }
  /** No more orders come: it ends after the last process. */
  | { readonly kind: "close" };

/** `connected` carries the pipe beside it. */
export type FromStarter =
  | { readonly kind: "connected"; readonly id: number; readonly spawnedId: number }
  | { readonly kind: "known-as"; readonly id: number; readonly processId: number }
  | { readonly kind: "said"; readonly id: number; readonly words: string }
  | { readonly kind: "ended"; readonly id: number; readonly why: string };

export function orderOf({ command, args, userId, launcherPipes }: SpawnDescription): StartOrder {
  return {
    command,
    args,
    ...(userId !== undefined && { userId }),
    launcherPipes: launcherPipes.map((pipe) =>
      pipe.kind === "input" ? { ...pipe, bytes: Buffer.from(pipe.bytes).toString("base64") } : pipe,
    ),
  };
}

export function descriptionOf({ launcherPipes, ...order }: StartOrder): SpawnDescription {
  return {
    ...order,
    launcherPipes: launcherPipes.map((pipe) =>
      pipe.kind === "input" ? { ...pipe, bytes: Buffer.from(pipe.bytes, "base64") } : pipe,
    ),
    release: () => undefined,
  };
}
