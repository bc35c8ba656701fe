import { problemSchema } from "@berth/spec";
import type { Problem } from "@berth/spec";

import { readBytes } from "./read-body.ts";
import type { TransportAnswer } from "./transport.ts";

const MAX_PROBLEM_BYTES = 65_536;
const MAX_WAIT_MS = 86_400_000;

/** The registry's own reason (RFC 9457), if it gave one that can be read; the status says the rest. */
export async function problemOf(
  answer: TransportAnswer,
  body: AsyncIterable<Uint8Array>,
): Promise<Problem | undefined> {
  if (!/^application\/problem\+json\b/i.test(answer.header("content-type") ?? "")) {
    answer.discard();
    return undefined;
  }
  try {
    const bytes = await readBytes(body, MAX_PROBLEM_BYTES, "the registry's reason");
    const parsed = problemSchema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // A reason that is cut, too long or no JSON is none; the refusal itself stands.
  }
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
export function retryAfterMs(value: string | undefined, now: Date): number | undefined {
  if (value === undefined || value.length > 64) return undefined;
  const waitMs = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1_000 : Date.parse(value) - now.getTime();
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_WAIT_MS);
}
