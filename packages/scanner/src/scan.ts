import type { ScanResult } from "@berth/spec";
import { bySeverity, FindingSink } from "./finding-sink.ts";
import { defaultLimits, type ScanLimits } from "./limits.ts";
import { type ReleaseTraits, traitsOf } from "./package/comparison.ts";
import { type KnownName, wellKnownNames } from "./package/known-names.ts";
import type { PackageView } from "./package/package-view.ts";
import { manifestsOf } from "./package/unverified-manifest.ts";
import { reachedFiles } from "./package/reach.ts";
import { applyPolicy, type ScanPolicy } from "./policy.ts";
import type { Rule } from "./rule.ts";
import { allRules } from "./rules/all-rules.ts";
import { type FileScan, type InputFile, plainFinding, scanOne } from "./scan-file.ts";
import { scoreOf, verdictOf } from "./score.ts";
import { SourceFile } from "./source-file.ts";

export interface ScanOptions {
  readonly limits?: Partial<ScanLimits>;
  readonly policy?: ScanPolicy;
  readonly rules?: readonly Rule[];
  readonly knownNames?: readonly KnownName[];
  /** Files of the release before: what changed since becomes findings. */
  readonly previous?: readonly InputFile[];
}

/** Scans one file by itself. A lone manifest is judged as a package of one file. */
export function scanFile(file: InputFile, options: ScanOptions = {}): ScanResult {
  return scanFiles(file.path, [file], options, false);
}

/** Scans all files of one package together. */
export function scanPackage(path: string, files: readonly InputFile[], options: ScanOptions = {}): ScanResult {
  return scanFiles(path, files, options, true);
}

function scanFiles(path: string, inputs: readonly InputFile[], options: ScanOptions, isWhole: boolean): ScanResult {
  const limits = { ...defaultLimits, ...options.limits };
  const taken = withinLimits(inputs, limits);
  const scans = taken.map((input) => scanOne(input, options));
  const dropped = inputs.length - taken.length;
  return conclude(path, taken, scans, { ...options, limits }, isWhole, dropped);
}

/** As many files, in their order, as the limits on number and bytes of a package allow. */
export function withinLimits(inputs: readonly InputFile[], limits: ScanLimits): readonly InputFile[] {
  let bytes = 0;
  const end = inputs.findIndex(
    (input, index) => index >= limits.files || (bytes += input.bytes.length) > limits.packageBytes,
  );
  return end < 0 ? inputs : inputs.slice(0, end);
}

/**
 * Joins the scans of single files to the result of the package: rules on the package, policy, score.
 * Only manifests need their bytes here.
 */
export function conclude(
  path: string,
  inputs: readonly InputFile[],
  scans: readonly FileScan[],
  options: ScanOptions,
  isWhole: boolean,
  dropped = 0,
): ScanResult {
  const findings = scans.flatMap((scan) => scan.findings);
  const files = new Map(inputs.map((input) => [input.path, sourceOf(input)]));
  const manifests = manifestsOf(files);
  const previous = options.previous;
  const view: PackageView = {
    files,
    manifests,
    uses: scans.flatMap((scan) => scan.uses),
    hosts: scans.flatMap((scan) => scan.requestHosts.map((host) => ({ path: scan.loads.path, host }))),
    traits: releaseTraits(files, inputs, scans),
    reached: reachedFiles(
      manifests,
      scans.map((scan) => scan.loads),
    ),
    previous: previous === undefined ? undefined : traitsOfFiles(previous, options),
    knownNames: options.knownNames ?? wellKnownNames,
    isWhole,
  };
  const sink = new FindingSink({ ...defaultLimits, ...options.limits });
  for (const rule of options.rules ?? allRules) {
    rule.package?.({
      view,
      report(at, offset, message, details) {
        const file = files.get(at) ?? new SourceFile(at, NO_BYTES);
        const full = inputs.find((input) => input.path === at);
        sink.add(
          rule,
          full === undefined || file.bytes !== NO_BYTES ? file : new SourceFile(at, full.bytes),
          offset,
          message,
          details,
        );
      },
    });
  }
  findings.push(...sink.findings);
  if (dropped > 0)
    findings.push(
      plainFinding(path, "leaves-unscanned", `${dropped} files beyond the limit were not scanned.`, "medium"),
    );
  const judged = applyPolicy(findings, options.policy).toSorted(bySeverity);
  const score = scoreOf(judged);
  return { path, score, verdict: verdictOf(score), findings: judged };
}

/** The traits of a release that is not scanned for findings. */
function traitsOfFiles(inputs: readonly InputFile[], options: ScanOptions): ReleaseTraits {
  const taken = withinLimits(inputs, { ...defaultLimits, ...options.limits });
  // No rules: only what the code uses is wanted.
  const scans = taken.map((input) => scanOne(input, { ...options, rules: [] }));
  const files = new Map(taken.map((input) => [input.path, sourceOf(input)]));
  return releaseTraits(files, taken, scans);
}

function releaseTraits(
  files: ReadonlyMap<string, SourceFile>,
  inputs: readonly InputFile[],
  scans: readonly FileScan[],
): ReleaseTraits {
  const entropies = inputs.flatMap(({ path }, index): [string, number][] => {
    const entropy = scans[index]?.entropy;
    return entropy === undefined ? [] : [[path, entropy]];
  });
  return traitsOf(
    manifestsOf(files),
    scans.flatMap((scan) => scan.uses),
    new Set(scans.flatMap((scan) => scan.hosts)),
    new Map(entropies),
  );
}

/** Only manifests are read as text here; everything else was read where it was scanned. */
const sourceOf = (input: InputFile): SourceFile =>
  new SourceFile(input.path, isManifest(input.path) ? input.bytes : NO_BYTES);

const NO_BYTES = new Uint8Array();
const isManifest = (path: string): boolean => /(?:^|\/)(?:package|plugin|manifest)\.json$/u.test(path);
