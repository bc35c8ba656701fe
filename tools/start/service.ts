import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { CLI_ENTRY } from "../setup/runtime-times.mjs";
import { root } from "../workspace.ts";

/** How long a service may take to come up, and to go after it was asked. */
const START_MS = 60_000;
const STOP_MS = 5_000;

/** Node's arguments for one command of the CLI. */
export const cliArguments = (args: readonly string[]): string[] => [
  "--disable-warning=ExperimentalWarning",
  join(root, readFileSync(join(root, CLI_ENTRY), "utf8").trim()),
  ...args,
];

/** A part of the tour that goes on running: `berth registry start` or `berth host start`. */
export class Service {
  /** What it said when it was up. */
  readonly said: Readonly<Record<string, unknown>>;
  /** Resolves, with a sentence, when it ends without having been asked. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, said: Readonly<Record<string, unknown>>, ended: Promise<string>) {
    this.#child = child;
    this.said = said;
    this.ended = ended;
  }

  get url(): string {
    return String(this.said["url"]);
  }

  /** Starts it and waits until it is up. Its log goes to a file beside its state. */
  static async start(name: "registry" | "host", dataDir: string, args: readonly string[]): Promise<Service> {
    const logFile = join(dataDir, `${name}.log`);
    const child = spawn(process.execPath, cliArguments([name, "start", ...args, "--json", "--data-dir", dataDir]), {
      cwd: root,
      stdio: ["ignore", "pipe", openSync(logFile, "a", 0o600)],
    });
    const ended = new Promise<string>((resolve) =>
      child.once("exit", (code, signal) =>
        resolve(`The ${name} ended by itself (${signal ?? `code ${code}`}); its log is ${logFile}.`),
      ),
    );
    const line = await firstLine(child, ended);
    const said = JSON.parse(line) as { ok?: boolean; error?: { message?: string } };
    if (said.ok !== true) throw new Error(`the ${name} did not start: ${said.error?.message ?? line}`);
    return new Service(child, said, ended);
  }

  /** Asks it to end, and makes it end when it does not. */
  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

async function firstLine(child: ChildProcess, ended: Promise<string>): Promise<string> {
  if (child.stdout === null) throw new Error("a service has no standard output");
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
  try {
    const first = new Promise<string>((resolve) => lines.once("line", resolve));
    return await Promise.race([
      first,
      ended.then((why) => {
        throw new Error(why);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
