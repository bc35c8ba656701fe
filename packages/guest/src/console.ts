import { GuestSignal } from "./port.ts";
import type { PostToEngine } from "./port.ts";

const MAX_LINE = 8_192;
const MAX_DEPTH = 4;

/** What `console` prints for a value: strings as they are, errors with their stack, the rest in JSON's manner. */
export function formatLogValue(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? `${value.name}: ${value.message}`;
  return describe(value, 0, new Set());
}

function describe(value: unknown, depth: number, above: Set<object>): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `[function ${value.name}]`;
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? `${value}n` : String(value);
  if (above.has(value)) return "[circular]";
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  above.add(value);
  let text: string;
  if (Array.isArray(value)) {
    const items = value.slice(0, 100).map((item) => describe(item, depth + 1, above));
    text = `[${items.join(", ")}${value.length > 100 ? ", …" : ""}]`;
  } else if (ArrayBuffer.isView(value)) {
    text = `[${value.constructor.name} of ${value.byteLength} bytes]`;
  } else {
    const members = Object.entries(value)
      .slice(0, 100)
      .map(([key, member]) => `${key}: ${describe(member, depth + 1, above)}`);
    text = `{${members.join(", ")}}`;
  }
  above.delete(value);
  return text;
}

const LEVELS = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error", trace: "debug" } as const;

/** `console`, whose lines become structured log lines outside. */
export function makeConsole(post: PostToEngine): Record<string, (...values: unknown[]) => void> {
  const methods = Object.entries(LEVELS).map(([name, level]) => [
    name,
    (...values: unknown[]): void =>
      post(GuestSignal.log, 0, level, values.map(formatLogValue).join(" ").slice(0, MAX_LINE)),
  ]);
  return Object.freeze(Object.fromEntries(methods) as Record<string, (...values: unknown[]) => void>);
}
