import { availableParallelism } from "node:os";

import { quote, sanitize } from "@berth/base";
import {
  actionFor,
  checkCompliance,
  complianceProfiles,
  formatSarifReport,
  formatSbomReport,
  formatTextReport,
  parseScanPolicy,
  scannerFingerprint,
  ScanPool,
} from "@berth/scanner";
import type { ComplianceReport, ScanPolicy } from "@berth/scanner";
import type { ScanResult } from "@berth/spec";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { VERSION } from "../version.ts";
import { scanCatalogue } from "../scan-catalogue.ts";
import { readScanInput } from "../scan-input.ts";

const FORMATS: readonly string[] = ["text", "sarif", "sbom"];

interface Settings {
  readonly failOn: "review" | "block" | undefined;
  readonly format: string;
  readonly policy: ScanPolicy | undefined;
  readonly profile: (typeof complianceProfiles)[number] | undefined;
}

async function readSettings({ text }: Invocation): Promise<Settings> {
  const failOn = text("fail-on");
  if (failOn !== undefined && failOn !== "review" && failOn !== "block")
    throw new CliError("CLI_USAGE", `expected --fail-on review or block, found ${quote(failOn)}`);
  const format = text("format") ?? "text";
  if (!FORMATS.includes(format))
    throw new CliError("CLI_USAGE", `expected --format ${FORMATS.join(", ")}, found ${quote(format)}`);
  const name = text("profile");
  const profile = complianceProfiles.find(({ id }) => id === name);
  if (name !== undefined && profile === undefined) {
    const known = complianceProfiles.map(({ id }) => id).join(", ");
    throw new CliError("CLI_USAGE", `there is no profile ${quote(name)}; expected one of ${known}`);
  }
  const policyFile = text("policy");
  return { failOn, format, profile, policy: policyFile === undefined ? undefined : await readPolicy(policyFile) };
}

async function readPolicy(file: string): Promise<ScanPolicy> {
  const text = new TextDecoder().decode(await readInput(file));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError("CLI_USAGE", `${quote(file, 200)} is not JSON`, { cause: error });
  }
  return parseScanPolicy(value);
}

/** Scans the paths one after the other; the files of each go to the threads together. */
async function scanPaths({ args, text }: Invocation, policy: ScanPolicy | undefined): Promise<ScanResult[]> {
  await using pool = new ScanPool(availableParallelism());
  const previousPath = text("previous");
  const previous = previousPath === undefined ? undefined : (await readScanInput(previousPath)).files;
  const options = { ...(policy !== undefined && { policy }), ...(previous !== undefined && { previous }) };
  const results: ScanResult[] = [];
  for (const path of args) {
    const { isPackage, files } = await readScanInput(path);
    const [only] = files;
    const result =
      isPackage || only === undefined
        ? await pool.scanPackage(path, files, options)
        : await pool.scanFile(only, options);
    results.push({ ...result, path });
  }
  return results;
}

function outcomeOf(results: readonly ScanResult[], { failOn, format, policy, profile }: Settings): Outcome {
  const reports: ComplianceReport[] =
    profile === undefined ? [] : results.map(({ findings }) => checkCompliance(profile, findings));
  const isMet = results.some(
    ({ verdict }) =>
      (verdict === "block" && failOn !== undefined) ||
      (verdict === "review" && failOn === "review") ||
      // A policy that maps verdicts to actions refuses in its own right.
      (policy?.verdicts !== undefined && actionFor(verdict, policy) === "refuse"),
  );
  const exitCode = isMet || reports.some(({ passes }) => !passes) ? 3 : 0;
  if (format === "sarif") {
    const sarif = formatSarifReport(results, VERSION);
    return { json: JSON.parse(sarif), text: sarif.trimEnd(), exitCode };
  }
  const compliance = reports.map(({ profile: name, passes, failures }, index) => ({
    path: results[index]?.path,
    profile: name,
    passes,
    failures: failures.map(({ class: kind, because, findings }) => ({
      class: kind,
      because,
      rules: [...new Set(findings.map(({ rule }) => rule))],
    })),
  }));
  const lines = compliance.flatMap(({ path, profile: name, passes, failures }) => [
    `${sanitize(path ?? "", 300)}: ${passes ? "passes" : "fails"} the profile ${name}`,
    ...failures.map(({ class: kind, because, rules }) => `  ${kind}, because ${because}: ${rules.join(", ")}`),
  ]);
  return {
    json: { results, ...(profile !== undefined && { compliance }) },
    text: `${formatTextReport(results)}${lines.join("\n")}`.trimEnd(),
    exitCode,
  };
}

async function runCatalogue(invocation: Invocation, folder: string, settings: Settings): Promise<Outcome> {
  const { args, text, terminal } = invocation;
  if (args.length > 0) throw new CliError("CLI_USAGE", "expected no paths beside --catalogue");
  await using pool = new ScanPool(availableParallelism());
  const stateFile = text("state") ?? `${folder.replace(/[/\\]$/, "")}.scan.jsonl`;
  const scanner = await scannerFingerprint();
  const { results, kept, refused } = await scanCatalogue({ folder, stateFile, scanner }, pool, (line) =>
    terminal.say(sanitize(line, 400)),
  );
  const outcome = outcomeOf(results, settings);
  if (settings.format === "sarif") return outcome;
  const count = (verdict: string): number => results.filter((result) => result.verdict === verdict).length;
  return {
    json: { ...(outcome.json as object), kept, refused },
    text: [
      `${results.length} packages: ${count("clean")} clean, ${count("review")} to review, ${count("block")} blocked; ${kept} unchanged`,
      ...results
        .filter(({ verdict }) => verdict !== "clean")
        .map(
          ({ path, verdict, score }) => `  ${verdict.padEnd(6)} ${String(score).padStart(3)}  ${sanitize(path, 300)}`,
        ),
      ...refused.map(({ path, code }) => `  refused     ${sanitize(path, 300)} (${code})`),
    ].join("\n"),
    exitCode: outcome.exitCode ?? 0,
  };
}

export const command: Command = {
  summary: "tell what files, packages or a plugin's folder would do; informs, and is never the wall",
  usage: "PATH … [--fail-on review|block] | --catalogue DIR",
  options: {
    "fail-on": { type: "string", value: "VERDICT", help: "end with 3 at this verdict or a worse one" },
    format: { type: "string", value: "FORMAT", help: "text (default), sarif, or sbom for an inventory of one package" },
    policy: { type: "string", value: "FILE", help: "what the operator decides about rules and verdicts" },
    profile: { type: "string", value: "NAME", help: "end with 3 unless the findings satisfy this profile" },
    previous: { type: "string", value: "PATH", help: "the release before; what changed since becomes findings" },
    catalogue: { type: "string", value: "DIR", help: "scan every package in a folder, only what changed" },
    state: { type: "string", value: "FILE", help: "where --catalogue keeps results (else DIR.scan.jsonl)" },
  },
  async run(invocation) {
    const { args, text } = invocation;
    const settings = await readSettings(invocation);
    const catalogue = text("catalogue");
    if (catalogue !== undefined) return runCatalogue(invocation, catalogue, settings);
    const [first, ...rest] = args;
    if (first === undefined) throw new CliError("CLI_USAGE", "expected at least one file or folder");
    if (settings.format === "sbom") {
      if (rest.length > 0) throw new CliError("CLI_USAGE", "expected one package for an inventory");
      const sbom = formatSbomReport(first, (await readScanInput(first)).files);
      return { json: JSON.parse(sbom), text: sbom.trimEnd() };
    }
    return outcomeOf(await scanPaths(invocation, settings.policy), settings);
  },
};
