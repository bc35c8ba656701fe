import { extractArchive, readArchive, sha256Hex } from "@berth/archive";
import { isCodedError, quote, reportOf } from "@berth/base";
import type { ErrorReport } from "@berth/base";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput } from "../files.ts";

interface Verdict {
  readonly ok: boolean;
  readonly entries?: number;
  readonly sha256?: string;
  readonly error?: ErrorReport;
}

async function judge(file: string): Promise<Verdict> {
  try {
    const bytes = await readInput(file);
    return { ok: true, entries: readArchive(bytes).entries.length, sha256: sha256Hex(bytes) };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { ok: false, error: reportOf(error) };
  }
}

async function verify({ args }: Invocation): Promise<Outcome> {
  const [first, ...rest] = args.slice(1);
  if (first === undefined) throw new CliError("CLI_USAGE", "expected at least one archive");
  if (rest.length === 0) {
    const bytes = await readInput(first);
    const entries = readArchive(bytes).entries.length;
    const sha256 = sha256Hex(bytes);
    return { json: { ok: true, entries, sha256 }, text: `${first}: ${entries} entries, sha256 ${sha256}` };
  }
  const results: (Verdict & { file: string })[] = [];
  for (const file of [first, ...rest]) results.push({ file, ...(await judge(file)) });
  const lines = results.map(({ file, ok, entries, error }) =>
    ok ? `${file}: ${entries} entries` : `${file}: refused, ${error?.message} (${error?.code})`,
  );
  return { json: { results }, text: lines.join("\n"), exitCode: results.every(({ ok }) => ok) ? 0 : 3 };
}

async function extract({ args, text }: Invocation): Promise<Outcome> {
  const file = onlyArgument(args.slice(1), "an archive");
  const to = text("to");
  if (to === undefined) throw new CliError("CLI_USAGE", "expected --to DIR");
  const bytes = await readInput(file);
  const { entries } = await extractArchive(bytes, to);
  return { json: { ok: true, entries, sha256: sha256Hex(bytes) }, text: `extracted ${entries} entries to ${to}` };
}

export const command: Command = {
  summary: "check or extract an archive under the rules for packages",
  usage: "verify FILE… | extract FILE --to DIR",
  options: { to: { type: "string", value: "DIR", help: "the folder to extract to; must not exist, or be empty" } },
  async run(invocation) {
    const [verb] = invocation.args;
    if (verb === "verify") return verify(invocation);
    if (verb === "extract") return extract(invocation);
    throw new CliError("CLI_USAGE", `expected verify or extract, found ${quote(verb ?? "nothing")}`);
  },
};
