/** What lint found, by how much it matters. */
export interface LintFinding {
  readonly rule: string;
  /** `error`: it will not work, or is refused. `warning`: it asks for more than it needs. `advice`: readers would like it. */
  readonly severity: "error" | "warning" | "advice";
  /** Below the plugin's folder. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** The line of a place in a text, from 1. */
export const lineAt = (text: string, offset: number): number => text.slice(0, Math.max(0, offset)).split("\n").length;
