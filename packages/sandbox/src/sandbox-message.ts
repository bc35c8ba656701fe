import { textOf } from "@berth/wire";
import type { Message, WireValue } from "@berth/wire";

import type { LogLine } from "./compartment-plan.ts";
import type { LossReason } from "./engine.ts";
import { MAX_LINE_LENGTH } from "./log-gate.ts";
import { MAX_PROGRESS_BYTES, tryParseProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { MAX_WORDS_BYTES } from "./protocol.ts";
import { MAX_REQUEST_BYTES } from "./request-window.ts";

// What a sandbox host says, read by the supervisor. `undefined` stands for what no sandbox host of ours would
// say: the process that said it has been taken over, and is ended.

export interface RequestMessage {
  readonly compartmentId: number;
  readonly callId: number;
  readonly method: string;
  readonly value: WireValue;
}

export function tryParseRequest({ head, value }: Message): RequestMessage | undefined {
  const [compartmentId, callId, method] = tryParseHead(head);
  if (typeof compartmentId !== "number" || typeof callId !== "number" || typeof method !== "string") return undefined;
  if (value === undefined || sizeOf(value) > MAX_REQUEST_BYTES) return undefined;
  return { compartmentId, callId, method, value };
}

export interface LogMessage {
  readonly compartmentId: number;
  readonly level: LogLine["level"];
  readonly text: string;
}

export function tryParseLog({ head, value }: Message): LogMessage | undefined {
  const [compartmentId, said] = tryParseHead(head);
  const level = (["debug", "info", "warn", "error"] as const).find((each) => each === said);
  const text = tryParseWords(value);
  if (typeof compartmentId !== "number" || level === undefined || text === undefined) return undefined;
  return { compartmentId, level, text: text.slice(0, MAX_LINE_LENGTH) };
}

/** Text about a plugin. */
export function tryParseWords(value: WireValue | undefined): string | undefined {
  if (value === undefined || value.json.length > MAX_WORDS_BYTES || value.bytes.length > 0) return undefined;
  try {
    return textOf(value);
  } catch {
    return undefined; // Not UTF-8.
  }
}

/** Whether a message may be a report of progress: looked at before the report itself is. */
export const isProgressSized = ({ value }: Message): boolean =>
  value !== undefined && value.json.length <= MAX_PROGRESS_BYTES && value.bytes.length === 0;

export function tryParseProgressMessage({ value }: Message): Progress | undefined {
  const words = tryParseWords(value);
  return words === undefined ? undefined : tryParseProgress(words);
}

/** CPU time of a call, milliseconds: what the head of its answer says, as far as that can be. */
export function parseCpuMs(head: string, elapsedMs: number): number {
  const cpuMs = Number(head) / 1_000;
  return cpuMs >= 0 ? Math.min(cpuMs, elapsedMs) : 0;
}

export const parseLoss = (head: string): LossReason => (head === "cpu" || head === "memory" ? head : "crashed");

function tryParseHead(head: string): unknown[] {
  try {
    const said: unknown = JSON.parse(head);
    return Array.isArray(said) ? said : [];
  } catch {
    return []; // Not JSON: it has no parts.
  }
}

const sizeOf = ({ json, bytes }: WireValue): number => bytes.reduce((sum, { length }) => sum + length, json.length);
