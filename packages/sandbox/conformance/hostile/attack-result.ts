import type { Target } from "./os-attack.ts";

export interface AttackRequest {
  readonly run: string;
  readonly target: Target;
}

/** What came of one attack. `ended`: the process that attacked is gone. */
export interface AttackResult {
  readonly name: string;
  readonly outcome: "works" | "refused" | "ended";
  /** The error's name, the value, or how the process ended. */
  readonly said: string;
}

/** What an embedding program reports about its walls and the attacks behind one of them. */
export type AttackReport =
  | { readonly kind: "attacked"; readonly wall: string; readonly strength: string; readonly results: AttackResult[] }
  | { readonly kind: "missing"; readonly why: string };
