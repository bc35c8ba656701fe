import { nearMiss, quote } from "@berth/base";
import { type Finding, severities, type Severity, type Verdict } from "@berth/spec";
import { ScannerError } from "./errors.ts";
import type { findingClasses } from "./rule.ts";
import { RULE_IDS } from "./rules/rule-ids.ts";

/** What an operator decides about rules. Authors cannot: their remarks are shown and change nothing. */
export interface ScanPolicy {
  /** Another severity for a rule, or `off` to waive it; each needs a reason, which reports show. */
  readonly rules?: Readonly<Record<string, { readonly severity: Severity | "off"; readonly reason: string }>>;
  /** What is done with each verdict. */
  readonly verdicts?: Readonly<Partial<Record<Verdict, "allow" | "ask" | "refuse">>>;
}

/** What an installer does with a verdict when the policy does not say. */
const defaultActions: Readonly<Record<Verdict, "allow" | "ask" | "refuse">> = {
  clean: "allow",
  review: "ask",
  block: "refuse",
};

export function actionFor(verdict: Verdict, policy: ScanPolicy | undefined): "allow" | "ask" | "refuse" {
  return policy?.verdicts?.[verdict] ?? defaultActions[verdict];
}

/**
 * Checks a policy that came from outside.
 * @throws ScannerError `SCAN_POLICY_INVALID` naming the first fault.
 */
export function parseScanPolicy(value: unknown): ScanPolicy {
  const fail = (message: string, hint?: string): never => {
    throw new ScannerError(
      "SCAN_POLICY_INVALID",
      `Reading a scan policy: ${message}`,
      hint === undefined ? {} : { hint },
    );
  };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return fail(`expected an object, found ${quote(value)}`);
  const rules = new Map<string, { severity: Severity | "off"; reason: string }>();
  const verdicts = new Map<Verdict, "allow" | "ask" | "refuse">();
  for (const [key, member] of Object.entries(value)) {
    if (key !== "rules" && key !== "verdicts")
      fail(`unknown member ${quote(key)}`, "The members are `rules` and `verdicts`.");
    if (typeof member !== "object" || member === null) fail(`${quote(key)} must be an object`);
    for (const [name, setting] of Object.entries(member as Record<string, unknown>)) {
      if (key === "verdicts") {
        if (name !== "clean" && name !== "review" && name !== "block") fail(`unknown verdict ${quote(name)}`);
        if (setting !== "allow" && setting !== "ask" && setting !== "refuse")
          fail(`verdict ${quote(name)} must be "allow", "ask" or "refuse", found ${quote(setting)}`);
        verdicts.set(name as Verdict, setting as "allow" | "ask" | "refuse");
        continue;
      }
      if (!ruleIds.has(name)) {
        const meant = nearMiss(name, ruleIds);
        fail(`unknown rule ${quote(name)}`, meant === undefined ? undefined : `Did you mean ${quote(meant)}?`);
      }
      const { severity, reason } =
        typeof setting === "object" && setting !== null ? (setting as Record<string, unknown>) : {};
      if (severity !== "off" && !severities.some((one) => one === severity))
        fail(`rule ${quote(name)} has the severity ${quote(severity)}`, `Use one of ${severities.join(", ")} or off.`);
      if (typeof reason !== "string" || reason.trim() === "")
        fail(`rule ${quote(name)} is changed without a reason`, "Add a `reason`: reports show it.");
      rules.set(name, { severity: severity as Severity | "off", reason: reason as string });
    }
  }
  return { rules: Object.fromEntries(rules), verdicts: Object.fromEntries(verdicts) };
}

const ruleIds: ReadonlySet<string> = new Set(RULE_IDS);

/** The findings as the operator wants them; waived ones stay visible. */
export function applyPolicy(findings: readonly Finding[], policy: ScanPolicy | undefined): Finding[] {
  const settings = new Map(Object.entries(policy?.rules ?? {}));
  return findings.map((finding) => {
    const setting = settings.get(finding.rule);
    if (setting === undefined) return finding;
    return setting.severity === "off"
      ? { ...finding, waived: setting.reason }
      : { ...finding, severity: setting.severity };
  });
}

/** Which classes of findings a set of rules for an organisation forbids, from which severity on. */
export interface ComplianceProfile {
  readonly id: string;
  readonly title: string;
  readonly demands: readonly {
    readonly class: (typeof findingClasses)[number];
    readonly below: Severity;
    readonly because: string;
  }[];
}

export const complianceProfiles: readonly ComplianceProfile[] = [
  {
    id: "baseline",
    title: "What every registry should demand",
    demands: [
      { class: "exfiltration", below: "high", because: "private data stays with its owner" },
      { class: "code-execution", below: "high", because: "only code that was scanned may run" },
      { class: "sandbox-escape", below: "high", because: "the sandbox must hold" },
      { class: "persistence", below: "high", because: "a plugin ends with its host" },
      { class: "supply-chain", below: "high", because: "installing must not run or spread anything" },
      { class: "abuse", below: "medium", because: "machines serve their owners" },
    ],
  },
  {
    id: "auditable",
    title: "For organisations whose reviewers must be able to read everything",
    demands: [
      { class: "obfuscation", below: "medium", because: "reviewers read the code" },
      { class: "hidden-text", below: "medium", because: "what is shown is what runs" },
      { class: "unscanned", below: "medium", because: "nothing may escape the scan" },
      { class: "secrets", below: "medium", because: "no credentials in packages" },
      { class: "evasion", below: "medium", because: "the same behaviour for reviewers and users" },
    ],
  },
];

export interface ComplianceReport {
  readonly profile: string;
  readonly passes: boolean;
  readonly failures: readonly {
    readonly class: string;
    readonly because: string;
    readonly findings: readonly Finding[];
  }[];
}

/** Whether the findings satisfy a profile, and if not, which demand fails because of which findings. */
export function checkCompliance(profile: ComplianceProfile, findings: readonly Finding[]): ComplianceReport {
  const failures = profile.demands.flatMap((demand) => {
    const limit = severities.indexOf(demand.below);
    const broken = findings.filter(
      (finding) =>
        finding.waived === undefined &&
        finding.class === demand.class &&
        finding.confidence !== "low" &&
        severities.indexOf(finding.severity) >= limit,
    );
    return broken.length === 0 ? [] : [{ class: demand.class, because: demand.because, findings: broken }];
  });
  return { profile: profile.id, passes: failures.length === 0, failures };
}
