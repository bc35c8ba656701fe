import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { sanitize } from "@berth/base";

import { CliError } from "./errors.ts";

/** The person at the other end: progress and questions go to standard error, answers come from standard input. */
export interface Terminal {
  readonly isInteractive: boolean;
  /** Whether standard error is a terminal, where a line can be drawn again. */
  readonly showsProgress: boolean;
  /** A line for people, while a command works. */
  say(line: string): void;
  /** A line of the answer on standard output, for commands whose answer comes in pieces. Waits until it may go on. */
  print(line: string): Promise<void>;
  /** Draws the last line of standard error anew; only where `showsProgress`. */
  redraw(line: string): void;
  /**
   * Whether the person answers yes.
   *
   * @throws CliError CLI_DECLINED when the question is left with Ctrl-C or the input ends
   */
  confirm(question: string): Promise<boolean>;
  /** A secret that the person types, unseen. Fails as `confirm` does. */
  askSecret(question: string): Promise<string>;
}

/**
 * Text as it may reach a terminal: line breaks stay, whatever else could move the cursor, hide words or turn
 * them round is escaped. Everything that a command prints passes here, because names, messages and stacks
 * come from plugins and packages.
 */
export function printable(text: string): string {
  return text
    .split("\n")
    .map((line) => sanitize(line, Number.POSITIVE_INFINITY))
    .join("\n");
}

/** JSON that is safe on a terminal too: the same characters as in `printable`, in JSON's own escapes. */
export function formatJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(/[\x7f-\x9f\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

export function openTerminal(): Terminal {
  return {
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    showsProgress: process.stderr.isTTY,
    redraw: (line) => void process.stderr.write(`\r\u001b[2K${printable(line)}`),
    async print(line) {
      if (!process.stdout.write(`${printable(line)}\n`)) await once(process.stdout, "drain");
    },
    say: (line) => void process.stderr.write(`${printable(line)}\n`),
    async confirm(question) {
      const answer = await readLine(`${question} [y/N] `, process.stderr);
      return /^y(es)?$/i.test(answer.trim());
    },
    async askSecret(question) {
      process.stderr.write(`${question}: `);
      // What is typed is shown nowhere: the reader's own echo goes into the void.
      const answer = await readLine("", new Writable({ write: (_chunk, _encoding, done) => done() }));
      process.stderr.write("\n");
      return answer;
    },
  };
}

async function readLine(question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  const left = new AbortController();
  lines.once("close", () => left.abort());
  try {
    return await lines.question(printable(question), { signal: left.signal });
  } catch (error) {
    throw new CliError("CLI_DECLINED", "the question was not answered", { cause: error });
  } finally {
    lines.close();
  }
}
