import { sanitize } from "@berth/base";

/** How far a call has come, in the plugin's words. */
export interface Progress {
  /** Units of work that are done, from 0 on; what a unit is, the plugin decides. */
  readonly done?: number;
  /** Units of work in all, as far as they are known now. */
  readonly total?: number;
  /** One line of at most 200 characters, safe on a terminal. */
  readonly message?: string;
}

/** Most bytes of one report: three members, and 200 characters that are all escaped. */
export const MAX_PROGRESS_BYTES = 2_048;
/** Longest message, in characters. */
const MAX_MESSAGE_LENGTH = 200;
const MEMBERS: ReadonlySet<string> = new Set(["done", "total", "message"]);

/** Reads what the guest library writes; `undefined` for everything else. */
export function tryParseProgress(json: string): Progress | undefined {
  let said: unknown;
  try {
    said = JSON.parse(json);
  } catch {
    return undefined; // A plugin that tampered with its library: there is nothing to read.
  }
  if (typeof said !== "object" || said === null || Array.isArray(said)) return undefined;
  if (!Object.keys(said).every((name) => MEMBERS.has(name))) return undefined;
  const { done, total, message } = said as Record<string, unknown>;
  if (!isAmount(done) || !isAmount(total)) return undefined;
  if (message !== undefined && (typeof message !== "string" || message.length > MAX_MESSAGE_LENGTH)) return undefined;
  return {
    ...(done !== undefined && { done }),
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message: sanitize(message, MAX_MESSAGE_LENGTH).slice(0, MAX_MESSAGE_LENGTH) }),
  };
}

const isAmount = (value: unknown): value is number | undefined =>
  value === undefined || (typeof value === "number" && Number.isFinite(value) && value >= 0);
