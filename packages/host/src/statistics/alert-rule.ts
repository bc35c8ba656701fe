import { quote } from "@berth/base";
import { isJsonFault, readJsonDocument } from "@berth/spec";
import { z } from "zod";

import { HostError } from "../errors.ts";

/** The longest that a rule may look back: what happened is kept by the minute, for so long. */
export const MAX_ALERT_MINUTES = 60;
const MAX_RULES = 100;

const minutes = z.int().min(1).max(MAX_ALERT_MINUTES).describe("How far to look back.");
const minCalls = z.int().min(1).max(1_000_000).describe("Among fewer calls there is nothing to say.");
const count = z.int().min(0).max(1_000_000);

const alertRule = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("error-rate"), above: z.number().min(0).max(1), minCalls, minutes }),
  z.strictObject({ kind: z.literal("latency"), aboveMs: z.number().min(0).max(86_400_000), minCalls, minutes }),
  z.strictObject({ kind: z.literal("denials"), above: count, minutes }),
  z.strictObject({ kind: z.literal("crashes"), above: count, minutes }),
  z.strictObject({ kind: z.literal("losses"), above: count, minutes }),
]) satisfies z.ZodType<AlertRule>;

const alertRules = z.array(alertRule).max(MAX_RULES);

/** When the host tells its embedding program that a plugin needs a look. `minutes`: 1 to 60. */
export type AlertRule =
  /** Share of calls that failed, 0 to 1, among at least `minCalls`. */
  | { readonly kind: "error-rate"; readonly above: number; readonly minCalls: number; readonly minutes: number }
  /** Mean duration of calls among at least `minCalls`. */
  | { readonly kind: "latency"; readonly aboveMs: number; readonly minCalls: number; readonly minutes: number }
  | { readonly kind: "denials"; readonly above: number; readonly minutes: number }
  /** Processes that crashed with no other plugin in them: the plugin's own fault. */
  | { readonly kind: "crashes"; readonly above: number; readonly minutes: number }
  /** Processes that crashed while the plugin was at work in them, with others or alone: perhaps its fault. */
  | { readonly kind: "losses"; readonly above: number; readonly minutes: number };

/** @throws HostError HOST_ALERTS_INVALID */
export function completeAlerts(value: unknown): readonly AlertRule[] {
  const result = alertRules.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join(".") ?? "";
  throw new HostError(
    "HOST_ALERTS_INVALID",
    `the alerts${place === "" ? "" : ` at ${quote(place)}`}: ${issue?.message ?? "are no rules"}`,
  );
}

/**
 * Reads rules from the bytes of their file, a list in JSON.
 *
 * @throws HostError HOST_ALERTS_INVALID
 */
export function parseAlerts(bytes: Uint8Array): readonly AlertRule[] {
  const document = readJsonDocument(bytes);
  if (!isJsonFault(document)) return completeAlerts(document.value);
  const { line, column, message } = document;
  throw new HostError("HOST_ALERTS_INVALID", `the alerts, line ${line}, column ${column}: ${message}`);
}
