import { spawn } from "node:child_process";

/** A child process that answers each line with a line, in order. */
export interface LinePipe {
  ask(line: string): Promise<string>;
  /** The next line, without asking for it. */
  listen(): Promise<string>;
  end(): void;
}

/** Starts Node with these arguments behind a pair of pipes: the least that any isolation by process must pay. */
export function openLinePipe(args: readonly string[]): LinePipe {
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) waiting.shift()?.resolve(line);
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting.splice(0))
      reject(new Error(`node ${args.join(" ")} ended with exit code ${code}`));
  });
  const listen = (): Promise<string> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
  return {
    listen,
    ask(line) {
      const answer = listen();
      child.stdin.write(`${line}\n`);
      return answer;
    },
    end: () => void child.kill(),
  };
}
