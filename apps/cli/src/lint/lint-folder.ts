import { availableParallelism } from "node:os";

import { sanitize } from "@berth/base";
import type { PermissionSuggestion } from "@berth/host";
import { ScanPool } from "@berth/scanner";
import type { InputFile } from "@berth/scanner";
import type { Finding, PermissionRequest } from "@berth/spec";

import type { PluginFolder } from "../plugin-folder.ts";
import { readScanInput } from "../scan-input.ts";
import { lineAt } from "./lint-finding.ts";
import type { LintFinding } from "./lint-finding.ts";
import { manifestAdvice } from "./manifest-advice.ts";
import { permissionFindings } from "./permission-findings.ts";
import type { PermissionFinding } from "./permission-findings.ts";
import { runFindings } from "./run-findings.ts";
import { pluginUses } from "./source-uses.ts";

/** What is made from the sources, or belongs to the author's tools. */
const NOT_SOURCE = /(?:^|\/)(?:dist|test|tests|\.[^/]+)\/|\.d\.ts$/;
const SOURCE = /\.[cm]?[jt]sx?$/;

/**
 * Looks at a plugin's folder as its author would want it looked at before others see it.
 *
 * @param runs what the journal of real runs suggests, when there is one
 */
export async function lintFolder(folder: PluginFolder, runs: PermissionSuggestion | undefined): Promise<LintFinding[]> {
  const { manifest, manifestBytes, path } = folder;
  const all = (await readScanInput(path)).files;
  const files = all.filter((file) => !NOT_SOURCE.test(file.path));
  const decoder = new TextDecoder();
  const texts = new Map(
    files.filter((file) => SOURCE.test(file.path)).map((file) => [file.path, decoder.decode(file.bytes)]),
  );
  const manifestText = decoder.decode(manifestBytes);
  const permissions: PermissionFinding[] = [];
  // Of other languages only the manifest, and what runs used, is known.
  const broken: LintFinding[] = [];
  if (manifest.runtime.kind === "javascript") {
    const uses = pluginUses(manifest.runtime.entry, texts);
    permissions.push(...permissionFindings(manifest, uses));
    for (const { message, ...at } of uses.broken)
      broken.push({ rule: "syntax", severity: "error", ...at, message: sanitize(message, 300) });
  }
  if (runs !== undefined) permissions.push(...runFindings(manifest.permissions, runs));
  const places = { texts, manifestText, permissions: manifest.permissions };
  const findings = [
    ...broken,
    ...withoutRepeats(permissions).map((finding) => placed(finding, places)),
    ...manifestAdvice({
      manifest,
      manifestText,
      names: new Set(files.map((file) => file.path)),
      icon: all.find((file) => file.path === manifest.icon)?.bytes,
    }),
    ...(await scannerFindings(path, files)),
  ];
  return findings.toSorted(
    (a, b) => RANK[a.severity] - RANK[b.severity] || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line),
  );
}

const RANK = { error: 0, warning: 1, advice: 2 } as const;

/** The code and the journal may say the same of one permission; the code says it better. */
function withoutRepeats(findings: readonly PermissionFinding[]): PermissionFinding[] {
  const said = new Set<string>();
  return findings.filter(({ rule, at }) => {
    if ("offset" in at) return true;
    const key = `${rule}\n${JSON.stringify(at)}`;
    return !said.has(key) && said.add(key) !== undefined;
  });
}

interface Places {
  readonly texts: ReadonlyMap<string, string>;
  readonly manifestText: string;
  readonly permissions: readonly PermissionRequest[];
}

function placed({ rule, at, message }: PermissionFinding, { texts, manifestText, permissions }: Places): LintFinding {
  const severity = rule === "permission-missing" ? "error" : "warning";
  if ("offset" in at) {
    const line = lineAt(texts.get(at.file) ?? "", at.offset);
    return { rule, severity, file: at.file, line, message: sanitize(message, 400) };
  }
  const inManifest = (offset: number): LintFinding => ({
    rule,
    severity,
    file: "manifest.json",
    line: lineAt(manifestText, offset),
    message: sanitize(message, 400),
  });
  if ("subscription" in at)
    return inManifest(manifestText.indexOf(JSON.stringify(at.subscription), manifestText.indexOf('"subscriptions"')));
  // The n-th permission of that name in the list is the n-th mention of the name after the list begins.
  let offset = manifestText.indexOf('"permissions"');
  const index = permissions.filter(({ name }) => name === at.name).indexOf(at);
  for (let count = 0; count <= index; count += 1) offset = manifestText.indexOf(`"${at.name}"`, offset + 1);
  return inManifest(offset);
}

/** What a registry's scan would find in the sources, worth a look from `low` on. */
async function scannerFindings(path: string, files: readonly InputFile[]): Promise<LintFinding[]> {
  await using pool = new ScanPool(Math.min(2, availableParallelism()));
  const { findings } = await pool.scanPackage(path, files);
  return findings
    .filter(({ severity }) => severity !== "info")
    .map(({ rule, severity, file, line, message }: Finding) => ({
      rule: `scan/${rule}`,
      severity: severity === "high" || severity === "critical" ? ("error" as const) : ("warning" as const),
      file,
      line,
      message,
    }));
}
