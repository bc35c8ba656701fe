// One step of set-up: a child process whose output is shown only when it fails.
import { spawn } from "node:child_process";
import { SetupError, say } from "./report.mjs";

const STILL_WORKING_EVERY_MS = 15_000;
const OUTPUT_KEPT = 256 * 1024;

/** @type {import("node:child_process").ChildProcess | undefined} */
let current;

/**
 * Ends the step that is running, with everything it started.
 *
 * @param {NodeJS.Signals} signal
 */
export function endCurrentStep(signal) {
  if (current?.pid === undefined) return;
  try {
    // A step leads its own process group, because npm and pnpm start others and do not always pass a signal on.
    if (process.platform === "win32") current.kill(signal);
    else process.kill(-current.pid, signal);
  } catch {
    // It ended by itself in this moment.
  }
}

/**
 * Runs `command` to its end.
 *
 * @param {string} title in words for the terminal
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, shell?: boolean, remedy: string, onStart?: (pid: number) => void }} options
 * @returns {Promise<string>} what it printed
 * @throws {SetupError} with `options.remedy` when it cannot start or does not end with 0
 */
export async function runStep(title, command, args, options) {
  say(`${title} ...`);
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const reminder = setInterval(() => say(`  still ${title} (${seconds()} s)`), STILL_WORKING_EVERY_MS);
  let output = "";
  try {
    const ending = await new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: options.cwd,
        env: options.env ?? process.env,
        shell: options.shell ?? false,
        detached: process.platform !== "win32",
        stdio: ["ignore", "pipe", "pipe"],
      });
      current = child;
      if (child.pid !== undefined) options.onStart?.(child.pid);
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8");
        stream.on("data", (text) => (output = (output + text).slice(-OUTPUT_KEPT)));
      }
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(code ?? signal));
    });
    if (ending === 0) {
      if (seconds() > 0) say(`  done in ${seconds()} s`);
      return output;
    }
    process.stderr.write(output);
    throw new SetupError(`${title} ended with ${ending}; its output is above`, options.remedy);
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SetupError(`${title} could not start: ${why}`, options.remedy);
  } finally {
    clearInterval(reminder);
    current = undefined;
  }
}
