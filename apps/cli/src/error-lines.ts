import type { ErrorReport } from "@berth/base";

/** What a person reads of an error: what happened, the plugin's own stack in its author's lines, and a way out. */
export function errorLines({ message, details, hint, code }: ErrorReport): string[] {
  const lines = [`berth: ${message}`];
  const plugin = details?.["plugin"] as { stack?: string } | undefined;
  if (plugin?.stack !== undefined && plugin.stack !== "") lines.push(plugin.stack);
  if (hint !== undefined) lines.push(hint);
  lines.push(`(${code})`);
  return lines;
}

/** Lines after the first are indented, so that a message from a plugin cannot end in a line of Berth's own. */
export const indented = (lines: readonly string[]): string => lines.join("\n").replaceAll("\n", "\n       ");
