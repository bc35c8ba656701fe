/** When the host tells its embedding program that a plugin needs a look. */
export type AlertRule =
  /** Share of calls that failed, 0 to 1, among at least `minCalls`. */
  | { readonly kind: "error-rate"; readonly above: number; readonly minCalls: number; readonly minutes: number }
  /** Mean duration of calls among at least `minCalls`. */
  | { readonly kind: "latency"; readonly aboveMs: number; readonly minCalls: number; readonly minutes: number }
  | { readonly kind: "denials"; readonly above: number; readonly minutes: number }
  | { readonly kind: "crashes"; readonly above: number; readonly minutes: number };

/** What happened to a plugin within one minute. */
interface Minute {
  readonly minute: number;
  calls: number;
  failures: number;
  durationUs: number;
  denials: number;
  crashes: number;
}

export type AlertSample = Partial<Omit<Minute, "minute">>;

const MAX_MINUTES = 60;

/** Watches the last hour of each plugin. An alert is told once, and again only after its rule no longer held. */
export class Alerts {
  readonly #rules: readonly AlertRule[];
  readonly #now: () => Date;
  readonly #onAlert: (pluginId: string, rule: AlertRule, value: number) => void;
  readonly #minutes = new Map<string, Minute[]>();
  readonly #raised = new Map<string, Set<AlertRule>>();

  constructor(
    rules: readonly AlertRule[],
    now: () => Date,
    onAlert: (pluginId: string, rule: AlertRule, value: number) => void,
  ) {
    this.#rules = rules;
    this.#now = now;
    this.#onAlert = onAlert;
  }

  note(pluginId: string, sample: AlertSample): void {
    if (this.#rules.length === 0) return;
    const minute = this.#minuteNow();
    let minutes = this.#minutes.get(pluginId);
    if (minutes === undefined) this.#minutes.set(pluginId, (minutes = []));
    let last = minutes.at(-1);
    if (last?.minute !== minute) {
      last = { minute, calls: 0, failures: 0, durationUs: 0, denials: 0, crashes: 0 };
      minutes.push(last);
      while ((minutes[0]?.minute ?? minute) <= minute - MAX_MINUTES) minutes.shift();
    }
    for (const key of ["calls", "failures", "durationUs", "denials", "crashes"] as const) last[key] += sample[key] ?? 0;
    this.#judge(pluginId, minutes, minute);
  }

  forget(pluginId: string): void {
    this.#minutes.delete(pluginId);
    this.#raised.delete(pluginId);
  }

  #judge(pluginId: string, minutes: readonly Minute[], now: number): void {
    let raised = this.#raised.get(pluginId);
    if (raised === undefined) this.#raised.set(pluginId, (raised = new Set()));
    for (const rule of this.#rules) {
      const value = valueOf(
        rule,
        minutes.filter(({ minute }) => minute > now - rule.minutes),
      );
      const limit = rule.kind === "latency" ? rule.aboveMs : rule.above;
      if (value === undefined || value <= limit) raised.delete(rule);
      else if (!raised.has(rule)) {
        raised.add(rule);
        this.#onAlert(pluginId, rule, value);
      }
    }
  }

  #minuteNow(): number {
    return Math.floor(this.#now().getTime() / 60_000);
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
  }
}
