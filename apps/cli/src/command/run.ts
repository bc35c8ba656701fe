import { quote } from "@berth/base";
import type { HostAccess } from "../host-access.ts";
import { SECURITY_LEVELS, explainDataLabel } from "@berth/spec";
import type { DataLabel, SecurityLevel } from "@berth/spec";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { showReports } from "../progress.ts";
import { formatJson } from "../terminal.ts";
import { withHost } from "../with-host.ts";

/** What one document may hold of a stream. */
const MAX_ITEMS = 10_000;
const MAX_ITEMS_LENGTH = 16 * 1_048_576;

function readLevel(text: string | undefined): SecurityLevel | undefined {
  const level = SECURITY_LEVELS.find((each) => each === text);
  if (text !== undefined && level === undefined)
    throw new CliError("CLI_USAGE", `expected --level to be ${SECURITY_LEVELS.join(", ")}; found ${quote(text)}`);
  return level;
}

const millisecondsSince = (startedAt: number): number => Math.round((performance.now() - startedAt) * 10) / 10;

/** Items of a stream: a line each as they come, or kept for the one document of `--json`. */
class Items {
  readonly #invocation: Invocation;
  readonly kept: unknown[] = [];
  #bytes = 0;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
  }

  /** @throws CliError CLI_STREAM_TOO_LONG */
  async add(item: unknown): Promise<void> {
    const text = formatJson(item);
    if (!this.#invocation.isSet("json")) return this.#invocation.terminal.print(text);
    this.#bytes += text.length;
    if (this.kept.length >= MAX_ITEMS || this.#bytes > MAX_ITEMS_LENGTH)
      throw new CliError("CLI_STREAM_TOO_LONG", `the stream has more than ${MAX_ITEMS} items or 16 MiB`);
    this.kept.push(item);
  }
}

export const command: Command = {
  summary: "run an action of an installed plugin",
  usage: "ID ACTION [--input FILE|-] [--user NAME] [--level LEVEL] [--idempotency-key KEY]",
  options: {
    input: { type: "string", value: "FILE", help: "JSON for the action; - reads standard input; left out means {}" },
    user: { type: "string", value: "NAME", help: "call on behalf of this user, who has storage of their own" },
    "idempotency-key": {
      type: "string",
      value: "KEY",
      help: "calls with equal keys and inputs are one call, for 24 hours: others get its answer",
    },
    level: {
      type: "string",
      value: "LEVEL",
      help: "run at this security level, or at the plugin's own if that is higher",
    },
  },
  async run(invocation) {
    const [id, action, ...rest] = invocation.args;
    if (id === undefined || action === undefined || rest.length > 0)
      throw new CliError("CLI_USAGE", "expected a plugin's id and the name of an action");
    const file = invocation.text("input");
    const input = file === undefined ? new TextEncoder().encode("{}") : await readInput(file);
    const level = readLevel(invocation.text("level"));
    const idempotencyKey = invocation.text("idempotency-key");
    // As a header can carry it.
    if (idempotencyKey !== undefined && !/^[\x21\x23-\x7e]{1,200}$/.test(idempotencyKey))
      throw new CliError(
        "CLI_USAGE",
        "--idempotency-key takes 1 to 200 letters, digits and signs, without spaces or quotes",
      );
    const stop = new AbortController();
    const onInterrupt = (): void => stop.abort();
    process.once("SIGINT", onInterrupt);
    try {
      const user = invocation.text("user");
      const report = showReports(invocation.terminal, action);
      let label: DataLabel | undefined;
      const options = {
        signal: stop.signal,
        onProgress: report.show,
        onLabel(found: DataLabel) {
          label = found;
          report.clear();
          invocation.terminal.say(`this holds data of the user's, which ${explainDataLabel(found)}`);
        },
        ...(user !== undefined && { caller: user }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      };
      const run = async (host: HostAccess): Promise<Outcome> => {
        const startedAt = performance.now();
        const items = new Items(invocation);
        const found = (): object => ({
          durationMs: millisecondsSince(startedAt),
          ...(label !== undefined && { label }),
        });
        for await (const news of host.run(id, action, input, options)) {
          report.clear();
          if (news.kind === "output")
            return { json: { ok: true, output: news.value, ...found() }, text: formatJson(news.value, 2) };
          await items.add(news.value);
        }
        return { json: { ok: true, items: items.kept, ...found() }, text: "" };
      };
      try {
        return await withHost(invocation, run, { level });
      } finally {
        report.clear();
      }
    } finally {
      process.off("SIGINT", onInterrupt);
    }
  },
};
