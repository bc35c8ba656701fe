import type { Terminal } from "./terminal.ts";

/** One option of a command, in the form of node:util's `parseArgs`. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  /** How its value is called in the help; options without one are switches. */
  readonly value?: string;
  readonly help: string;
}

/** What a command is run with. */
export interface Invocation {
  readonly args: readonly string[];
  readonly text: (option: string) => string | undefined;
  readonly list: (option: string) => readonly string[];
  readonly isSet: (option: string) => boolean;
  /** `--data-dir`, else BERTH_DATA_DIR, else ./.berth; absolute. */
  readonly dataDir: string;
  readonly terminal: Terminal;
}

/** What a command answers: one JSON document, and the words for people. */
export interface Outcome {
  readonly json: unknown;
  readonly text: string;
  /** Exit code other than 0, for answers that are not errors of the command itself. */
  readonly exitCode?: number;
  /** Goes on after the answer was printed, until it is told to end: for commands that keep running. */
  readonly keepRunning?: () => Promise<void>;
}

/** One command; its file is loaded only when it runs. */
export interface Command {
  readonly summary: string;
  /** Arguments as shown in the help. */
  readonly usage: string;
  readonly options?: Readonly<Record<string, OptionSpec>>;
  run(invocation: Invocation): Promise<Outcome>;
}
