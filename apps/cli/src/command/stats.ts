import type { ActionStatistics, PluginUse } from "@berth/host";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { counted, formatRunning, mebibytes } from "../running-lines.ts";
import { withHost, withRunningHost } from "../with-host.ts";

/** @throws CliError CLI_USAGE */
function readInstant(option: string, text: string | undefined): { readonly [name: string]: string } {
  if (text === undefined) return {};
  const at = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(at.getTime()))
    throw new CliError(
      "CLI_USAGE",
      `--${option} takes a day or an instant, such as 2026-03-01 or 2026-03-01T12:00:00Z`,
    );
  return { [option]: at.toISOString() };
}

function linesOf(use: PluginUse, actions: readonly ActionStatistics[]): string[] {
  const { pluginId, calls, cpuMs, denials, storageBytes, peakMemoryBytes, losses, lossReasons, lastUsedAt } = use;
  const memory = peakMemoryBytes === undefined ? "memory not measured" : `${mebibytes(peakMemoryBytes)} at most`;
  const why = Object.entries(lossReasons).map(([reason, count]) => `${count} ${reason}`);
  const lost = `${counted(losses, "loss", "losses")}${why.length === 0 ? "" : ` (${why.join(", ")})`}`;
  return [
    `${pluginId}  ${counted(calls, "call")}, ${cpuMs.toFixed(1)} ms CPU, ${memory}, ${lost}, ${counted(denials, "denial")}, ${storageBytes} bytes stored, last used ${lastUsedAt ?? "never"}`,
    ...actions.map(({ action, calls: of, outcomes, meanMs, p50Ms, p95Ms, p99Ms, cpuMs: cpu, retries }) => {
      const ms = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(2));
      const failed = Object.entries(outcomes).flatMap(([outcome, count]) =>
        outcome === "ok" ? [] : `${count} ${outcome}`,
      );
      const again = retries === 0 ? "" : `, ${retries} made again`;
      return `  ${action.padEnd(20)} ${counted(of, "call")}, mean ${ms(meanMs)} ms, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}, p99 ${ms(p99Ms)}, CPU ${ms(cpu)} ms${again}${failed.length === 0 ? "" : `, failed: ${failed.join(", ")}`}`;
    }),
  ];
}

/** What runs now, of one plugin or of all. Where no host runs there is nothing, and none is opened to find that out. */
async function showRunning(invocation: Invocation, query: { readonly pluginId?: string }): Promise<Outcome> {
  const found = await withRunningHost(invocation, async (host) => ({
    plugins: await host.running(query),
    processes: await host.processes(query),
  }));
  const { plugins, processes } = found ?? { plugins: [], processes: [] };
  const lines = found === undefined ? ["no host runs here; berth host start keeps one running"] : [];
  lines.push(...formatRunning(plugins, processes));
  return {
    json: { ok: true, isHostRunning: found !== undefined, plugins, processes },
    text: lines.length === 0 ? "nothing runs now; plugins start at their next call" : lines.join("\n"),
  };
}

export const command: Command = {
  summary: "show calls, how long they took and what they used, by plugin and action; or what runs now",
  usage: "[ID] [--from INSTANT] [--to INSTANT] | [ID] --running",
  options: {
    from: { type: "string", value: "INSTANT", help: "count from this hour on (default: everything that is kept)" },
    to: { type: "string", value: "INSTANT", help: "count up to and with this hour" },
    running: {
      type: "boolean",
      help: "show what runs now in the host that runs here: processes, memory, waiting calls",
    },
  },
  async run(invocation) {
    const [pluginId, ...rest] = invocation.args;
    if (rest.length > 0) throw new CliError("CLI_USAGE", "expected at most one plugin's id");
    const of = pluginId === undefined ? {} : { pluginId };
    if (invocation.isSet("running")) {
      if (invocation.text("from") !== undefined || invocation.text("to") !== undefined)
        throw new CliError("CLI_USAGE", "--running shows what runs now, and takes no --from and --to");
      return showRunning(invocation, of);
    }
    const query = {
      ...of,
      ...readInstant("from", invocation.text("from")),
      ...readInstant("to", invocation.text("to")),
    };
    const { plugins, actions } = await withHost(invocation, async (host) => ({
      plugins: await host.usage(query),
      actions: await host.statistics(query),
    }));
    const lines = plugins.flatMap((use) =>
      linesOf(
        use,
        actions.filter((each) => each.pluginId === use.pluginId),
      ),
    );
    return {
      json: { ok: true, plugins, actions },
      text: lines.length === 0 ? "no plugin is installed" : lines.join("\n"),
    };
  },
};
