import { sanitize } from "@berth/base";

/** An error in a plugin's own words, cut and made safe to show. */
export interface PluginFailure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string;
}

/** Reads what a sandbox host says of a failure. Never throws: the words may be anything. */
export function parsePluginFailure(json: string): PluginFailure {
  let said: unknown;
  try {
    said = JSON.parse(json);
  } catch {
    said = undefined; // Not JSON: there are no words to quote.
  }
  const member = (key: string, max: number): string => {
    const value = typeof said === "object" && said !== null ? (said as Record<string, unknown>)[key] : undefined;
    return typeof value === "string" ? value.slice(0, max) : "";
  };
  const lines = member("stack", 4_096).split("\n").slice(0, 32);
  return {
    name: sanitize(member("name", 100)) || "Error",
    message: sanitize(member("message", 2_000), 2_000),
    stack: lines.map((line) => sanitize(line, 400)).join("\n"),
    code: sanitize(member("code", 100)),
  };
}
