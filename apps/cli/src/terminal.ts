import { createInterface } from "node:readline/promises";

/** The person at the other end: progress and questions go to standard error, answers come from standard input. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** A line for people, while a command works. */
  say(line: string): void;
  /** Whether the person answers yes. */
  confirm(question: string): Promise<boolean>;
}

export function openTerminal(): Terminal {
  return {
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    say: (line) => void process.stderr.write(`${line}\n`),
    async confirm(question) {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        const answer = await lines.question(`${question} [y/N] `);
        return /^y(es)?$/i.test(answer.trim());
      } finally {
        lines.close();
      }
    },
  };
}
