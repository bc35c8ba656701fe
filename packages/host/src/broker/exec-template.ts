import { quote } from "@berth/base";

import { requestInvalid } from "./service.ts";

const METHOD = "exec.run";
/** `{name}`; other braces stand for themselves. */
const PLACEHOLDER = /\{([A-Za-z][A-Za-z0-9_]{0,63})\}/g;
const MAX_VALUE = 8_192;
const MAX_VALUES = 64;
/** Of all arguments, their ends included. The kernel takes an argument of 128 KiB at most (MAX_ARG_STRLEN). */
const MAX_ARGUMENT_BYTES = 131_071;

/**
 * The program and the arguments that a template of the manifest makes with the values of a plugin. A value is always
 * text within one argument, and never becomes an option:
 *
 * - An argument that begins with a value must not begin with `-`, which begins options, with `+`, which begins them in
 *   older programs, or with `@`, by which compilers and others read more options from a file.
 * - Behind an argument `--`, which ends options (POSIX, Utility Syntax Guideline 10), `-` and `+` are allowed; files of
 *   options are read even there.
 * - In an argument that begins with `-`, a value stands behind a `=` of the template: `--name={value}`. In `-{x}` and
 *   `-n{x}` it could choose the option, or add others.
 *
 * What a program makes of its arguments beyond options, such as the script of an interpreter, no such rule can know.
 *
 * @throws HostError BROKER_REQUEST_INVALID
 */
export function fillTemplate(run: readonly string[], values: unknown): { program: string; args: string[] } {
  const [program = "", ...rest] = run;
  const refuse = (what: string): never => {
    throw requestInvalid(METHOD, what);
  };
  const given = valuesOf(values);
  const wanted = new Set(rest.flatMap((argument) => [...argument.matchAll(PLACEHOLDER)].map(([, name = ""]) => name)));
  if (program.includes("\0") || program.search(PLACEHOLDER) !== -1)
    refuse(`the program of a command is written out, found ${quote(program)}`);
  for (const name of wanted) if (!given.has(name)) refuse(`the command wants a value for ${quote(name)}`);
  for (const name of given.keys()) if (!wanted.has(name)) refuse(`the command has no place for a value ${quote(name)}`);
  let isBehindOptions = false;
  const args = rest.map((template) => {
    const filled = template.replace(PLACEHOLDER, (_whole, name: string) => given.get(name) ?? "");
    refuseOption(template, filled, isBehindOptions, refuse);
    isBehindOptions ||= template === "--";
    return filled;
  });
  const bytes = [program, ...args].reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);
  if (bytes > MAX_ARGUMENT_BYTES)
    refuse(`the command has ${bytes} bytes with its values, at most ${MAX_ARGUMENT_BYTES} are run`);
  return { program, args };
}

function refuseOption(
  template: string,
  filled: string,
  isBehindOptions: boolean,
  refuse: (what: string) => never,
): void {
  const at = template.search(PLACEHOLDER);
  if (template.includes("\0")) refuse("the command holds a NUL");
  if (at === -1) return;
  if (!isBehindOptions && template.startsWith("-") && !template.slice(0, at).includes("="))
    refuse(`in ${quote(template)} a value could choose options; the template needs a "=" before it, or two arguments`);
  if (at > 0) return;
  if (isBehindOptions ? filled.startsWith("@") : /^[-+@]/.test(filled))
    refuse(`a value for ${quote(template)} must not begin an argument with ${quote(filled[0])}`);
}

function valuesOf(values: unknown): Map<string, string> {
  const given = new Map<string, string>();
  if (values === undefined) return given;
  // Bytes would be taken apart one by one, millions of them, before the first is refused.
  if (typeof values !== "object" || values === null || Array.isArray(values) || ArrayBuffer.isView(values))
    throw requestInvalid(METHOD, 'expected "values" to be an object');
  const entries = Object.entries(values);
  if (entries.length > MAX_VALUES) throw requestInvalid(METHOD, `expected at most ${MAX_VALUES} values`);
  for (const [name, value] of entries) {
    const isText =
      typeof value === "string" && value.length <= MAX_VALUE && value.isWellFormed() && !value.includes("\0");
    if (!isText)
      throw requestInvalid(
        METHOD,
        `expected the value ${quote(name)} to be a text of at most ${MAX_VALUE} characters without NUL, found ${quote(value)}`,
      );
    given.set(name, value);
  }
  return given;
}
