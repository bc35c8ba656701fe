// What set-up says goes to standard error: standard output belongs to the command that runs afterwards.

/** Exit code for a machine, disk or network that does not do its part; the same as the CLI's. */
const ENVIRONMENT = 6;

/** @param {string} line */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** A failure that the reader of the terminal can do something about. */
export class SetupError extends Error {
  exitCode = ENVIRONMENT;

  /**
   * @param {string} what happened
   * @param {string} remedy what to do about it
   */
  constructor(what, remedy) {
    super(what);
    this.name = "SetupError";
    this.remedy = remedy;
  }
}

/**
 * Whether `error` is a system error with that code (`ENOENT`, `EEXIST`, ...).
 *
 * @param {unknown} error
 * @param {string} code
 */
export function hasCode(error, code) {
  return error instanceof Error && "code" in error && error.code === code;
}
