import type { EndReason } from "./node-sandbox.ts";

/** A process that ended otherwise than because nobody needed it any more. */
export interface Loss {
  readonly reason: EndReason;
  /** What it last said on standard error, sanitized. */
  readonly lastWords: string;
  /** Plugins whose code was ever in it: any of them may have prepared its end. */
  readonly plugins: readonly string[];
  /** Those with a call or a load under way, also one whose caller had left. */
  readonly atWork: readonly string[];
  /** Whose call overstayed, as far as the process told the truth. */
  readonly culprit: string | undefined;
}

/** Losses that a plugin is to blame for. Overstaying is the fault of one call. */
const CRASHES: ReadonlySet<EndReason> = new Set(["crashed", "memory", "protocol"]);

export const isCrash = ({ reason }: Pick<Loss, "reason">): boolean => CRASHES.has(reason);

/**
 * Whom a loss makes a suspect: nobody is convicted by a crash among several, and whoever was alone needs no
 * suspicion. When nobody was at work, it may have been any of them. Who overstayed at the cost of others is
 * known well enough to be kept from them, and no better: the process itself says whom it was in.
 */
export function suspectsOf(loss: Loss): readonly string[] {
  if (loss.plugins.length < 2 || loss.reason === "starter") return [];
  if (loss.culprit !== undefined && !isCrash(loss)) return [loss.culprit];
  return loss.atWork.length > 0 ? loss.atWork : loss.plugins;
}
