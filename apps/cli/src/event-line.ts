import { sanitize } from "@berth/base";
import type { AlertRule, HostEvent } from "@berth/host";

/** States that somebody should look at. */
const TROUBLED: ReadonlySet<string> = new Set(["failed", "quarantined"]);
const MAX_WORDS = 300;

/** One line for an operator about what nobody awaits; `undefined` for what is in order. */
export function formatEventLine(event: HostEvent): string | undefined {
  const text = wordsOf(event);
  return text === undefined ? undefined : `${event.at} ${text}`;
}

function wordsOf(event: HostEvent): string | undefined {
  switch (event.kind) {
    case "alert":
      return `alert: ${event.pluginId}: ${describe(event.rule)}: ${round(event.value)}`;
    case "alert-over":
      return `alert over: ${event.pluginId}: ${describe(event.rule)}`;
    case "state": {
      const { pluginId, from, to, reason } = event;
      if (!TROUBLED.has(to) && !TROUBLED.has(from)) return undefined;
      return `state: ${pluginId}: ${from} is now ${to}${reason === undefined ? "" : `: ${sanitize(reason, MAX_WORDS)}`}`;
    }
    case "process-lost": {
      const { reason, pluginIds, atWork, lastWords } = event;
      const words = lastWords === "" ? "" : `, it said last: ${sanitize(lastWords, MAX_WORDS)}`;
      return `process lost (${reason}): held ${names(pluginIds)}, at work ${names(atWork)}${words}`;
    }
    case "suspect":
      return `suspect: ${event.pluginId} runs alone for a while`;
    case "fault":
      return `fault: ${event.what}: ${event.error.code}: ${sanitize(event.error.message, MAX_WORDS)}`;
    case "config":
      return `config: ${event.pluginId}: ${event.changed.map((name) => sanitize(name, 64)).join(", ")} changed`;
    case "development":
      return event.error === undefined
        ? undefined
        : `development: ${sanitize(event.path, MAX_WORDS)} ${event.what}: ${sanitize(event.error.message, MAX_WORDS)}`;
    case "hibernated":
    case "woken":
      return undefined;
  }
}

const names = (ids: readonly string[]): string => (ids.length === 0 ? "nobody" : ids.join(", "));
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

function describe(rule: AlertRule): string {
  const limit = rule.kind === "latency" ? `${rule.aboveMs} ms` : String(rule.above);
  return `${rule.kind} above ${limit} within ${rule.minutes} min`;
}
