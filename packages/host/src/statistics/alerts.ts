import type { SetAlarm } from "../alarm.ts";
import { MAX_ALERT_MINUTES } from "./alert-rule.ts";
import type { AlertRule } from "./alert-rule.ts";

/** What happened to a plugin within one minute. */
interface Minute {
  readonly minute: number;
  calls: number;
  failures: number;
  durationUs: number;
  denials: number;
  crashes: number;
  losses: number;
}

export type AlertSample = Partial<Omit<Minute, "minute">>;

const MINUTE_MS = 60_000;
const SAMPLED = ["calls", "failures", "durationUs", "denials", "crashes", "losses"] as const;

/** What alerts work on. */
export interface AlertParts {
  readonly rules: readonly AlertRule[];
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  readonly onAlert: (pluginId: string, rule: AlertRule, value: number) => void;
  /** A rule that held does not hold any more. */
  readonly onOver: (pluginId: string, rule: AlertRule) => void;
}

/**
 * Watches the last hour of each plugin. An alert is told once; that it is over is told too, also when nothing happens
 * any more.
 */
export class Alerts {
  readonly #parts: AlertParts;
  readonly #minutes = new Map<string, Minute[]>();
  readonly #raised = new Map<string, Set<AlertRule>>();
  #cancelAlarm: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: AlertParts) {
    this.#parts = parts;
  }

  note(pluginId: string, sample: AlertSample): void {
    if (this.#parts.rules.length === 0) return;
    const minute = this.#minuteNow();
    let minutes = this.#minutes.get(pluginId);
    if (minutes === undefined) this.#minutes.set(pluginId, (minutes = []));
    let last = minutes.at(-1);
    if (last?.minute !== minute) {
      last = { minute, calls: 0, failures: 0, durationUs: 0, denials: 0, crashes: 0, losses: 0 };
      minutes.push(last);
      while ((minutes[0]?.minute ?? minute) <= minute - MAX_ALERT_MINUTES) minutes.shift();
    }
    for (const key of SAMPLED) last[key] += sample[key] ?? 0;
    this.#judge(pluginId, minutes, minute);
  }

  /** The plugin is gone, and what was told of it is over. */
  forget(pluginId: string): void {
    for (const rule of this.#raised.get(pluginId) ?? []) this.#parts.onOver(pluginId, rule);
    this.#minutes.delete(pluginId);
    this.#raised.delete(pluginId);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelAlarm?.();
  }

  #judge(pluginId: string, minutes: readonly Minute[], now: number): void {
    const { rules, onAlert, onOver } = this.#parts;
    const raised = this.#raised.get(pluginId) ?? new Set();
    for (const rule of rules) {
      const value = valueOf(
        rule,
        minutes.filter(({ minute }) => minute > now - rule.minutes),
      );
      const limit = rule.kind === "latency" ? rule.aboveMs : rule.above;
      if (value === undefined || value <= limit) {
        if (raised.delete(rule)) onOver(pluginId, rule);
      } else if (!raised.has(rule)) {
        raised.add(rule);
        onAlert(pluginId, rule, value);
      }
    }
    if (raised.size === 0) this.#raised.delete(pluginId);
    else this.#raised.set(pluginId, raised);
    this.#watch();
  }

  /** While anything is raised, looks at it as each minute begins: a plugin that nobody calls makes no samples. */
  #watch(): void {
    if (this.#raised.size === 0 || this.#cancelAlarm !== undefined || this.#isClosed) return;
    const next = new Date((this.#minuteNow() + 1) * MINUTE_MS);
    this.#cancelAlarm = this.#parts.setAlarm(next, () => {
      this.#cancelAlarm = undefined;
      const now = this.#minuteNow();
      for (const pluginId of this.#raised.keys()) this.#judge(pluginId, this.#minutes.get(pluginId) ?? [], now);
      this.#watch();
    });
  }

  #minuteNow(): number {
    return Math.floor(this.#parts.now().getTime() / MINUTE_MS);
  }
}

/** `undefined`: too little has happened to say. */
function valueOf(rule: AlertRule, minutes: readonly Minute[]): number | undefined {
  const sum = (key: keyof Minute): number => minutes.reduce((total, minute) => total + minute[key], 0);
  const calls = sum("calls");
  switch (rule.kind) {
    case "error-rate":
      return calls < rule.minCalls ? undefined : sum("failures") / calls;
    case "latency":
      return calls < rule.minCalls ? undefined : sum("durationUs") / calls / 1_000;
    case "denials":
      return sum("denials");
    case "crashes":
      return sum("crashes");
    case "losses":
      return sum("losses");
  }
}
