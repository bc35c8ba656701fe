import type { ActionStatistics, PluginUse } from "@berth/host";

import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { withHost } from "../with-host.ts";

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
  const { pluginId, calls, cpuMs, denials, storageBytes, peakMemoryBytes, lastUsedAt } = use;
  const memory =
    peakMemoryBytes === undefined ? "memory not measured" : `${(peakMemoryBytes / 1_048_576).toFixed(1)} MiB at most`;
  return [
    `${pluginId}  ${calls} calls, ${cpuMs.toFixed(1)} ms CPU, ${memory}, ${denials} denials, ${storageBytes} bytes stored, last used ${lastUsedAt ?? "never"}`,
    ...actions.map(({ action, calls: of, outcomes, meanMs, p50Ms, p95Ms, p99Ms, cpuMs: cpu, retries }) => {
      const ms = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(2));
      const failed = Object.entries(outcomes).flatMap(([outcome, count]) =>
        outcome === "ok" ? [] : `${count} ${outcome}`,
      );
      const again = retries === 0 ? "" : `, ${retries} made again`;
      return `  ${action.padEnd(20)} ${of} calls, mean ${ms(meanMs)} ms, p50 ${ms(p50Ms)}, p95 ${ms(p95Ms)}, p99 ${ms(p99Ms)}, CPU ${ms(cpu)} ms${again}${failed.length === 0 ? "" : `, failed: ${failed.join(", ")}`}`;
    }),
  ];
}

export const command: Command = {
  summary: "show calls, how long they took and what they used, by plugin and action",
  usage: "[ID] [--from INSTANT] [--to INSTANT]",
  options: {
    from: { type: "string", value: "INSTANT", help: "count from this hour on (default: everything that is kept)" },
    to: { type: "string", value: "INSTANT", help: "count up to and with this hour" },
  },
  async run(invocation) {
    const [pluginId, ...rest] = invocation.args;
    if (rest.length > 0) throw new CliError("CLI_USAGE", "expected at most one plugin's id");
    const query = {
      ...(pluginId !== undefined && { pluginId }),
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
